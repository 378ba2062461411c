//! Objects of one kind, newest first.

use std::collections::HashMap;

/// What has an id.
pub(super) trait Named {
    fn id(&self) -> &str;
}

/// All of them, in the order in which they were made.
pub(super) struct Shelf<T> {
    objects: Vec<T>,
    places: HashMap<String, usize>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { objects: Vec::new(), places: HashMap::new() }
    }
}

impl<T: Named> Shelf<T> {
    pub(super) fn put(&mut self, object: T) {
        self.places.insert(object.id().to_owned(), self.objects.len());
        self.objects.push(object);
    }

    pub(super) fn get(&self, id: &str) -> Option<&T> {
        self.places.get(id).map(|place| &self.objects[*place])
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        let place = *self.places.get(id)?;
        self.objects.get_mut(place)
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.objects.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut T> {
        self.objects.iter_mut()
    }

    /// Those that are older than one, newest first; all, if none is named. `None`: there is no such one.
    pub(super) fn after(&self, id: Option<&str>) -> Option<impl Iterator<Item = &T>> {
        let end = match id {
            None => self.objects.len(),
            Some(id) => *self.places.get(id)?,
        };
        Some(self.objects[..end].iter().rev())
    }
}
