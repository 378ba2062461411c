//! Configuration: read once, from a function, with every mistake reported at once.
//!
//! ```
//! use daemon::config::Env;
//! use std::time::Duration;
//!
//! # #[derive(Debug)]
//! struct Config {
//!     public_url: String,
//!     slots: u16,
//!     drain: Duration,
//! }
//! let env = Env::new(|name| (name == "SLOTS").then(|| "many".to_owned()));
//! let config = Config {
//!     public_url: env.var(["PUBLIC_BASE_URL", "API_BASE_URL"]).url(&["http", "https"]).required(),
//!     slots: env.var("SLOTS").number(1..=512).or(8),
//!     drain: env.var("DRAIN_SECS").secs(1..=600).or(Duration::from_secs(25)),
//! };
//! let mistakes = env.finish(config).unwrap_err();
//! assert_eq!(
//!     mistakes.to_string(),
//!     "the configuration has 2 mistakes:\n  \
//!      PUBLIC_BASE_URL is not set (or API_BASE_URL)\n  \
//!      SLOTS must be a whole number from 1 to 512, not \"many\""
//! );
//! ```

mod env;
mod mistake;
mod setting;

pub use self::{
    env::{Env, Names},
    mistake::{ConfigErrors, Mistake},
    setting::{Setting, Var},
};
