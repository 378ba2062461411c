//! What can be asked on the command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// A durable workflow and job system on Postgres, and the voice-agent platform that runs on it.
#[derive(Debug, Parser)]
#[command(name = "trunkline", version, about)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run everything in one process: a private Postgres, the API, workers and the sandbox.
    Dev(DevArgs),
    /// Play the main job: sign up, read the code, verify, and show what the run did.
    Demo(DemoArgs),
    /// Call a number of a running `trunkline dev`, and show what is said and when.
    Call(CallArgs),
    /// Run the API, configured by the environment. With a method and a path: ask a running one.
    Api(AskArgs),
    /// What is wrong now. Exit code 1: something is.
    Doctor(DoctorArgs),
    /// Print what completes the commands in a shell.
    Completions(CompletionsArgs),
    /// Print the manual of a command, for `man`; or write those of all commands into a folder.
    Man(ManArgs),
    /// Three demos to show, with calls, messages, failures and something to decide about. Twice is once.
    Seed(SeedArgs),
    /// Run a pool of workers. Configured by the environment.
    Worker(WorkerArgs),
    /// Bring the database up to date (`DATABASE_OWNER_URL`, else `DATABASE_DIRECT_URL`, else `DATABASE_URL`), or say whether it
    /// is.
    Migrate(MigrateArgs),
    /// What this version can do, and what it would do to the runs in flight.
    #[command(subcommand)]
    Deploy(DeployCommand),
    /// What providers are told, and what they would post: addresses, and signed requests for curl.
    #[command(subcommand)]
    Webhook(WebhookCommand),
    /// Exchange the key of what is stored encrypted.
    #[command(subcommand)]
    Seal(SealCommand),
    /// Measure: each figure beside what plain SQL reaches on the same server in the same run. Against `DATABASE_URL`, or a
    /// throwaway Postgres of its own.
    Bench(BenchArgs),
}

/// Options of `trunkline api`.
#[derive(Debug, clap::Args)]
pub(crate) struct AskArgs {
    /// GET, POST, PATCH. Without one this process is the API.
    #[arg(requires = "path")]
    pub(crate) method: Option<String>,
    /// The path, with its query: `/v1/admin/jobs?state=failed`.
    pub(crate) path: Option<String>,
    /// A member of the body; any number of them.
    #[arg(
        short = 'f',
        long,
        value_name = "NAME=VALUE",
        conflicts_with = "body",
        requires = "path"
    )]
    pub(crate) field: Vec<String>,
    /// The body, as JSON.
    #[arg(long, value_name = "JSON", requires = "path")]
    pub(crate) body: Option<String>,
    /// Under which it is done once, however often it is sent.
    #[arg(long, value_name = "KEY", requires = "path")]
    pub(crate) idempotency_key: Option<String>,
    /// Only if it is still what was read: its etag, or *.
    #[arg(long, value_name = "ETAG", requires = "path")]
    pub(crate) if_match: Option<String>,
    /// Where the API is.
    #[arg(long, value_name = "URL", requires = "path")]
    pub(crate) url: Option<String>,
}

/// Options of `trunkline doctor`.
#[derive(Debug, clap::Args)]
pub(crate) struct DoctorArgs {
    /// Print JSON instead of sentences.
    #[arg(long)]
    pub(crate) json: bool,
    /// Where the API is.
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
}

/// Options of `trunkline completions`.
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// Which shell.
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

/// Options of `trunkline man`.
#[derive(Debug, clap::Args)]
pub(crate) struct ManArgs {
    /// Which command: `job retry`; all of it in one, if not said.
    pub(crate) of: Vec<String>,
    /// Write a page for each command into this folder instead.
    #[arg(long, value_name = "DIR", conflicts_with = "of")]
    pub(crate) to: Option<PathBuf>,
}

/// Options of `trunkline seed`.
#[derive(Debug, clap::Args)]
pub(crate) struct SeedArgs {
    /// Although the API is at an address that others reach, too.
    #[arg(long)]
    pub(crate) despite_production: bool,
    /// Print JSON instead of sentences.
    #[arg(long)]
    pub(crate) json: bool,
    /// Where the API is.
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
}

/// Options of `trunkline migrate`.
#[derive(Debug, clap::Args)]
pub(crate) struct MigrateArgs {
    /// Write nothing, and say what is missing, changed or unknown. Exit code 4: something is.
    #[arg(long)]
    pub(crate) check: bool,
    /// A database that a newer version has migrated will do, too: a rollback finds one.
    #[arg(long, requires = "check")]
    pub(crate) or_newer: bool,
}

/// What `trunkline deploy` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum DeployCommand {
    /// Compare this version with the runs in flight in `DATABASE_URL`. Exit code 1: something would break.
    Check {
        /// Print one line of JSON instead of sentences.
        #[arg(long)]
        json: bool,
    },
    /// Print what this version can do, as one line of JSON.
    Manifest,
}

/// What `trunkline webhook` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum WebhookCommand {
    /// Sign a request as the provider would (`TWILIO_AUTH_TOKEN`, `STRIPE_WEBHOOK_SECRET`), and print it as a curl command.
    Sign(SignArgs),
    /// Print every address of ours that providers post to, and where it is entered.
    Urls(UrlsArgs),
}

/// Options of `trunkline webhook sign`.
#[derive(Debug, clap::Args)]
pub(crate) struct SignArgs {
    /// Whose post it is.
    #[arg(value_enum)]
    pub(crate) provider: Provider,
    /// Where it goes: an address, or a path below `PUBLIC_BASE_URL`.
    pub(crate) url: String,
    /// A field of Twilio's form; any number of them.
    #[arg(long, value_name = "NAME=VALUE", conflicts_with = "body")]
    pub(crate) form: Vec<String>,
    /// The file with the body of JSON; `-` reads it from stdin.
    #[arg(long, value_name = "FILE")]
    pub(crate) body: Option<PathBuf>,
    /// When Stripe has signed it, in Unix seconds; now, if not said.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) at: Option<i64>,
    /// Print one line of JSON instead: url, headers, body.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `trunkline webhook urls`.
#[derive(Debug, clap::Args)]
pub(crate) struct UrlsArgs {
    /// Show the word that addresses at Twilio carry, too.
    #[arg(long)]
    pub(crate) show_token: bool,
    /// Print one line of JSON instead.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Provider {
    /// `X-Twilio-Signature`, over a form or a body of JSON.
    Twilio,
    /// `Stripe-Signature`, over an event.
    Stripe,
}

/// What `trunkline seal` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum SealCommand {
    /// Seal everything anew that is not under the first key of `TRUNKLINE_SEAL_KEYS`, while everything runs.
    Rewrap,
}

/// Options of `trunkline dev`.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct DevArgs {
    /// Use a data directory of its own, removed at exit.
    #[arg(long)]
    pub(crate) ephemeral: bool,
    /// Begin with an empty data directory.
    #[arg(long, conflicts_with = "ephemeral")]
    pub(crate) fresh: bool,
    /// Where the API listens on 127.0.0.1; 0 for any free port.
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<u16>,
    /// Start no workers; the API, the scheduler and the sandbox stay.
    #[arg(long)]
    pub(crate) no_workers: bool,
    /// Start no voice pool.
    #[arg(long)]
    pub(crate) no_voice: bool,
    /// Print one line of JSON on stdout when ready, instead of the banner.
    #[arg(long)]
    pub(crate) json: bool,
    /// Where the data is kept.
    #[arg(long, value_name = "DIR", default_value = ".trunkline")]
    pub(crate) home: PathBuf,
}

/// Options of `trunkline demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// Play it so many times, one after the other, and show the medians and 95th percentiles as well.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=5000))]
    pub(crate) runs: u32,
    /// Print one line of JSON instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
    /// Where a running `trunkline dev` keeps its data.
    #[arg(long, value_name = "DIR", default_value = ".trunkline")]
    pub(crate) home: PathBuf,
}

/// Options of `trunkline call`.
#[derive(Debug, clap::Args)]
pub(crate) struct CallArgs {
    /// The number to call; any that somebody has, or a new demo's.
    #[arg(long, value_name = "PHONE")]
    pub(crate) to: Option<String>,
    /// Who calls.
    #[arg(long, value_name = "PHONE", default_value = "+436641234567")]
    pub(crate) from: String,
    /// What the caller says, one thing after the other, each when the answer is over.
    #[arg(long, value_name = "TEXT", conflicts_with = "script")]
    pub(crate) say: Vec<String>,
    /// Interrupt the first answer when it has been heard for so long.
    #[arg(long, value_name = "MS", conflicts_with = "script")]
    pub(crate) interrupt: Option<u32>,
    /// What the caller does, a line each: say TEXT, wait MS, press KEY, listen, interrupt MS, hang up.
    #[arg(long, value_name = "FILE")]
    pub(crate) script: Option<PathBuf>,
    /// How much faster than in the world time goes by for this call.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) speed: u32,
    /// Print one line of JSON at the end instead of the conversation.
    #[arg(long)]
    pub(crate) json: bool,
    /// Where the running `trunkline dev` keeps its data.
    #[arg(long, value_name = "DIR", default_value = ".trunkline")]
    pub(crate) home: PathBuf,
}

/// Options of `trunkline worker`.
#[derive(Debug, clap::Args)]
pub(crate) struct WorkerArgs {
    /// Which pool.
    #[arg(long, value_enum, default_value_t = PoolName::Default)]
    pub(crate) pool: PoolName,
    /// Jobs at once.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) slots: Option<u32>,
    /// Where the outside reaches this worker: `wss://HOST/voice/NAME` for the voice pool.
    #[arg(long, value_name = "URL")]
    pub(crate) advertise: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PoolName {
    /// Ordinary work.
    Default,
    /// Live calls.
    Voice,
}

/// Options of `trunkline bench`.
#[derive(Debug, clap::Args)]
pub(crate) struct BenchArgs {
    /// What to measure.
    #[arg(value_enum, default_value_t = BenchName::All)]
    pub(crate) name: BenchName,
    /// Rounds of ours and of plain SQL, by turns.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub(crate) rounds: u16,
    /// How much, in per cent of the usual number of jobs.
    #[arg(long, value_name = "PERCENT", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub(crate) scale: u16,
    /// Print one line of JSON a figure.
    #[arg(long)]
    pub(crate) json: bool,
    /// Where the throwaway Postgres is kept meanwhile, and where curves go.
    #[arg(long, value_name = "DIR", default_value = ".trunkline/bench")]
    pub(crate) home: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BenchName {
    /// A backlog of jobs that do nothing.
    Drain,
    /// Jobs coming in.
    Enqueue,
    /// From an enqueue to the first line of the job.
    Pickup,
    /// Workflows of five steps.
    Steps,
    /// Webhooks coming in over HTTP.
    Ingest,
    /// One worker process and four, each as its users start it: rates, cost and memory (minutes).
    Fleet,
    /// Claims beside millions of jobs (minutes, gigabytes).
    Depth,
    /// Half an hour of load, ten minutes of it beside a held transaction; curves go into the folder of `--home`.
    Soak,
    /// Live calls, both sides simulated.
    Voice,
    /// The first five.
    All,
}
