//! The frames of Postgres' protocol: a tag, a length that counts itself, a body. The first frame of a client has no tag.

/// Collects bytes until there is a whole frame.
pub(crate) struct Frames {
    buffer: Vec<u8>,
    tagless: bool,
}

impl Frames {
    pub(crate) fn of_client() -> Frames {
        Frames { buffer: Vec::new(), tagless: true }
    }

    pub(crate) fn of_server() -> Frames {
        Frames { buffer: Vec::new(), tagless: false }
    }

    /// Adds bytes and shows every frame that they complete.
    pub(crate) fn push(&mut self, bytes: &[u8], mut see: impl FnMut(u8, &[u8])) {
        self.buffer.extend_from_slice(bytes);
        loop {
            let head = usize::from(!self.tagless);
            let Some(length) =
                self.buffer.get(head..head + 4).and_then(|word| <[u8; 4]>::try_from(word).ok())
            else {
                return;
            };
            let end = head + u32::from_be_bytes(length) as usize;
            if self.buffer.len() < end {
                return;
            }
            let frame: Vec<u8> = self.buffer.drain(..end).collect();
            if !self.tagless {
                see(frame[0], &frame[5..]);
            }
            self.tagless = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_seen_however_the_bytes_are_cut() {
        let stream = [&b"\0\0\0\x08abcd"[..], b"Q\0\0\0\x06x\0", b"S\0\0\0\x04"].concat();
        for size in 1..=stream.len() {
            let (mut frames, mut seen) = (Frames::of_client(), Vec::new());
            for piece in stream.chunks(size) {
                frames.push(piece, |tag, body| seen.push((tag, body.to_vec())));
            }
            assert_eq!(seen, [(b'Q', b"x\0".to_vec()), (b'S', Vec::new())]);
        }
    }
}
