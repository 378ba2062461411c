//! Names of records: UUIDs of version 7, minted here and nowhere else, so that rows made together lie together.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new one. It says when it was made, so it is a name and never a secret.
            #[expect(clippy::disallowed_methods, reason = "this is the one place that mints ids")]
            pub fn mint() -> Self {
                Self(Uuid::now_v7())
            }

            /// When it was minted, by the clock of whoever did, to the millisecond. None for an id that is not ours.
            pub fn minted_at(self) -> Option<DateTime<Utc>> {
                let (secs, nanos) = self.0.get_timestamp()?.to_unix();
                DateTime::from_timestamp(i64::try_from(secs).ok()?, nanos)
            }

            /// The bare UUID, for places that know no types of ours.
            pub fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

id!(
    /// A customer.
    TenantId
);
id!(
    /// An assistant.
    BotId
);
id!(
    /// Someone who logs in.
    UserId
);
id!(
    /// A text message, whether or not it ever leaves.
    MessageId
);
id!(
    /// A conversation by text.
    ConversationId
);
id!(
    /// A verification code's row.
    CodeId
);
id!(
    /// What a tenant has subscribed to.
    SubscriptionId
);
id!(
    /// A number's time with a tenant.
    MappingId
);
id!(
    /// A phone call.
    CallId
);
id!(
    /// Our part in a live call.
    VoiceSessionId
);
id!(
    /// What a caller left for the owner.
    RequestId
);
id!(
    /// An order to erase somebody.
    ErasureId
);
id!(
    /// A number of the pool, where the number itself may not stand.
    NumberId
);
