//! What a key may do: scopes, and roles as names for sets of them.

use crate::word::words;

words! {
    /// What a key may do. A route asks for exactly one; what an order can do besides may need another.
    pub enum Scope ("scope") {
        /// Look at everything but keys and what providers know us by.
        Read = "read",
        /// Jobs, parked runs and webhooks: enqueue, retry, cancel, answer, replay.
        Jobs = "jobs",
        /// What jobs run on: queues, schedules, workers.
        Queues = "queues",
        /// Demos, tenants and their numbers.
        Tenants = "tenants",
        /// What tenants pay for: subscriptions and plans.
        Billing = "billing",
        /// What is switched for the whole product.
        Switches = "switches",
        /// Look at keys and at what providers know us by; make, exchange and end them.
        Keys = "keys",
    }
}

words! {
    /// A name for a set of scopes. What a key is made with are the scopes: it does not grow when a role does.
    pub enum Role ("role") {
        /// Looks, and changes nothing.
        Viewer = "viewer",
        /// Is on call: keeps jobs, queues and workers going.
        Operator = "operator",
        /// Everything, and hands it on.
        Admin = "admin",
    }
}

impl Role {
    /// What the role may do, in the order of [`Scope::ALL`].
    pub fn scopes(self) -> &'static [Scope] {
        match self {
            Role::Viewer => &[Scope::Read],
            Role::Operator => &[Scope::Read, Scope::Jobs, Scope::Queues, Scope::Switches],
            Role::Admin => Scope::ALL,
        }
    }

    /// The role that has exactly these scopes, which stand in the order of [`Scope::ALL`].
    pub fn of(scopes: &[Scope]) -> Option<Role> {
        Role::ALL.iter().copied().find(|role| role.scopes() == scopes)
    }
}

/// The same scopes, each once, in the order of [`Scope::ALL`].
pub fn sorted(scopes: &[Scope]) -> Vec<Scope> {
    Scope::ALL.iter().copied().filter(|scope| scopes.contains(scope)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_found_by_its_scopes_and_each_may_what_the_one_before_may() {
        for role in Role::ALL {
            assert_eq!(Role::of(role.scopes()), Some(*role));
            assert_eq!(sorted(role.scopes()), role.scopes(), "{role}");
        }
        for pair in Role::ALL.windows(2) {
            assert!(pair[0].scopes().iter().all(|scope| pair[1].scopes().contains(scope)));
        }
        assert_eq!(Role::of(&[Scope::Keys]), None);
        let keepers: Vec<_> =
            Role::ALL.iter().filter(|role| role.scopes().contains(&Scope::Keys)).collect();
        assert_eq!(keepers, [&Role::Admin]);
    }

    #[test]
    fn scopes_stand_once_and_in_order() {
        assert_eq!(sorted(&[Scope::Jobs, Scope::Read, Scope::Jobs]), [Scope::Read, Scope::Jobs]);
    }
}
