//! What deploys us: every variable that it sets exists, every command that it starts does, and the list of what we are built
//! from is that of the lock file.

use std::collections::BTreeSet;

use crate::{
    documents,
    files::{self, File},
    source,
};

/// Variables that begin like this are ours; the others are those of images of others.
const OURS: [&str; 9] = [
    "ADMIN_API",
    "CRON_",
    "DATABASE_",
    "DEMO_",
    "OPENAI_",
    "OTEL_",
    "PUBLIC_BASE",
    "TRUNKLINE_",
    "TWILIO_",
];

fn files_of_deployment() -> Vec<File> {
    let is_one = |file: &File| {
        ["docker-compose.yml", "docker-compose.test.yml", "Dockerfile", "ops/compose.env.example"]
            .contains(&&*file.path)
            || ["ops/k8s/", "ops/systemd/", ".github/workflows/"]
                .iter()
                .any(|folder| file.path.starts_with(folder))
    };
    files::all().into_iter().filter(is_one).collect()
}

#[test]
fn every_variable_of_ours_that_a_deployment_sets_exists() {
    let rows = documents::rows("docs/configuration.md");
    let known: BTreeSet<&str> = rows.iter().flat_map(|row| row[0].split(", ")).collect();
    let mut seen = 0;
    for file in files_of_deployment() {
        for name in source::shouted(&file.text) {
            if OURS.iter().any(|ours| name.starts_with(ours)) {
                seen += 1;
                assert!(known.contains(name), "{}: nobody reads {name}", file.path);
            }
        }
    }
    assert!(seen > 20, "{seen} variables in all of the deployment");
}

/// What follows the key of a command: `command: [worker, --pool, voice]`, as compose and Kubernetes list them, and systemd.
fn command_in(line: &str) -> Option<&str> {
    let line = line.trim();
    ["command: [", "args: [", "CMD [", "ExecStart=/usr/local/bin/trunkline "]
        .iter()
        .find_map(|key| line.strip_prefix(key))
}

/// The words of all commands.
fn commands(text: &str) -> Vec<Vec<&str>> {
    text.lines()
        .filter_map(command_in)
        .map(|rest| rest.split([',', '[', ']', '"', ' ']).filter(|word| !word.is_empty()).collect())
        .collect()
}

#[test]
fn every_command_that_a_deployment_starts_exists() {
    let args = files::read("cli/src/args.rs");
    let mut seen = BTreeSet::new();
    for file in files_of_deployment() {
        for words in commands(&file.text) {
            let [name, options @ ..] = words.as_slice() else { continue };
            // The programs of other images are given options, ours are given a word first.
            if name.starts_with('-') || name.contains('/') {
                continue;
            }
            let variant = name[..1].to_uppercase() + &name[1..];
            let exists = args.lines().any(|line| {
                let line = line.trim();
                line == format!("{variant},") || line.starts_with(&format!("{variant}("))
            });
            assert!(exists, "{}: there is no `trunkline {name}`", file.path);
            for option in options.iter().filter_map(|word| word.strip_prefix("--")) {
                assert!(
                    source::has_word(&args, &option.replace('-', "_")),
                    "{}: --{option}",
                    file.path
                );
            }
            seen.insert((*name).to_owned());
        }
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["api", "migrate", "worker"]);
}

/// The value of a unit's key, once for each line that has it.
fn values<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    let of = |line: &'a str| line.split_once('=').filter(|(name, _)| *name == key);
    unit.lines().filter_map(of).map(|(_, value)| value).collect()
}

/// With `RemainAfterExit` a second start does nothing; with `Requires` a restart of the migration stops whatever runs, and a
/// migration that fails keeps a worker from coming back after a crash.
#[test]
fn a_migration_is_made_by_each_start_and_takes_no_process_with_it() {
    const MIGRATE: &str = "trunkline-migrate.service";
    let migrate = files::read("ops/systemd/trunkline-migrate.service");
    assert_eq!(values(&migrate, "Type"), ["oneshot"], "a start waits for its end");
    assert!(values(&migrate, "RemainAfterExit").is_empty(), "a second start would do nothing");
    for unit in ["trunkline-api", "trunkline-worker@", "trunkline-voice@"] {
        let text = files::read(&format!("ops/systemd/{unit}.service"));
        let after = values(&text, "After");
        assert!(after.iter().any(|list| list.contains(MIGRATE)), "{unit} starts beside it");
        for tie in ["Requires", "Requisite", "BindsTo", "PartOf", "Wants", "Upholds"] {
            let tied = values(&text, tie).iter().any(|list| list.contains(MIGRATE));
            assert!(!tied, "{unit}: {tie}={MIGRATE}");
        }
    }
}

#[test]
fn the_runbook_migrates_before_it_starts_anything() {
    let runbook = files::read("ops/runbooks/deploy.md");
    let first = |one: &str, then: &str| {
        let (at, next) = (runbook.find(one), runbook.find(then));
        assert!(at.is_some() && next.is_some(), "deploy.md lacks {one} or {then}");
        assert!(at < next, "{one} comes after {then}");
    };
    first("docker compose run --rm migrate &&", "docker compose up -d");
    first("systemctl start trunkline-migrate &&", "systemctl restart 'trunkline-worker@*'");
    // What the job's own file says is what the runbook has people type.
    let job = files::read("ops/k8s/base/migrate.yml");
    let head: Vec<_> = job.lines().filter_map(|line| line.strip_prefix("#   kubectl ")).collect();
    assert!(head.len() == 4 && head[2].contains(" wait "), "{head:?}");
    let typed: Vec<_> = head.iter().map(|words| format!("    kubectl {words}\n")).collect();
    assert!(runbook.contains(&typed.concat()), "deploy.md says something else than migrate.yml");
    // The label by which the job is applied alone is its own.
    for file in files_of_deployment().iter().filter(|file| file.path.starts_with("ops/k8s/base/")) {
        let has = file.text.contains("app.kubernetes.io/component: migrate");
        assert_eq!(has, file.path.ends_with("/migrate.yml"), "{}", file.path);
    }
}

/// A unit of systemd does not: what crashes has to come back while the database is away.
#[test]
fn a_pod_begins_only_on_a_schema_that_is_its_own() {
    for name in ["api", "voice", "worker"] {
        let pod = files::read(&format!("ops/k8s/base/{name}.yml"));
        let before = pod.split("\n      containers:").next().unwrap_or_default();
        let gate = before.split("\n      initContainers:").nth(1).unwrap_or_default();
        assert!(gate.contains("args: [migrate, --check, --or-newer]"), "{name}");
    }
}

/// With the backup's data and the keys of its seals side by side, whoever has the backup has everything.
#[test]
fn no_backup_takes_the_keys_along() {
    let backup = files::read("ops/systemd/trunkline-backup.service");
    let starts = values(&backup, "ExecStart");
    assert!(starts.iter().any(|command| command.contains("ops/backup/backup --to ")), "{starts:?}");
    for secret in files_of_deployment()
        .iter()
        .flat_map(|unit| values(&unit.text, "EnvironmentFile"))
        .filter_map(|path| path.trim_start_matches('-').rsplit_once('/'))
    {
        assert!(
            !starts.iter().any(|command| command.contains(&format!("--config {}", secret.0))),
            "{secret:?}"
        );
    }
}

/// The documents of all manifests: a file may hold several.
fn manifests() -> Vec<String> {
    let of_kubernetes = |file: &File| file.path.starts_with("ops/k8s/");
    let files = files_of_deployment().into_iter().filter(of_kubernetes);
    files
        .flat_map(|file| file.text.split("\n---\n").map(ToOwned::to_owned).collect::<Vec<_>>())
        .collect()
}

/// The name behind the first line that begins so.
fn name_behind<'a>(manifest: &'a str, key: &str) -> Option<&'a str> {
    let rest = manifest.lines().skip_while(|line| !line.trim().starts_with(key));
    let name = rest.take(2).find_map(|line| line.split_once("name: "))?.1;
    name.split([' ', '}', ',']).next()
}

/// Whatever is applied while ten workers run would scale them down to that number, in mid-rollout.
#[test]
fn no_manifest_counts_what_an_autoscaler_counts() {
    let manifests = manifests();
    let scaled: BTreeSet<&str> =
        manifests.iter().filter_map(|it| name_behind(it, "scaleTargetRef:")).collect();
    assert_eq!(scaled, BTreeSet::from(["trunkline-api", "trunkline-worker"]));
    let mut kept = 0;
    for manifest in &manifests {
        let is_run = ["kind: Deployment", "kind: StatefulSet"]
            .iter()
            .any(|kind| manifest.lines().any(|line| line == *kind));
        let Some(name) = name_behind(manifest, "metadata:").filter(|_| is_run) else { continue };
        let counts = manifest.lines().any(|line| line.starts_with("  replicas:"));
        assert_ne!(counts, scaled.contains(name), "{name}: somebody has to say how many, and one");
        kept += usize::from(counts);
    }
    assert_eq!(kept, 1, "voice workers have addresses of their own, and are not scaled");
}

/// By the socket, the server that only fills a new folder answers, too, and the migration finds nobody; with md5, a pooler can
/// log nobody in at a Postgres that keeps passwords by SCRAM.
#[test]
fn a_first_start_waits_for_the_database_and_its_pooler_can_log_in() {
    let compose = files::read("docker-compose.yml");
    let asked: Vec<_> = compose.lines().filter(|line| line.contains("pg_isready")).collect();
    assert!(asked.len() == 1 && asked[0].contains("pg_isready -h 127.0.0.1 "), "{asked:?}");
    let pooler = compose.split("\n  pgbouncer:").nth(1).and_then(|rest| rest.split("\n\n").next());
    assert!(pooler.is_some_and(|it| it.contains("\n      AUTH_TYPE: scram-sha-256\n")));
}

#[test]
fn every_package_of_the_lock_file_is_among_the_third_party_software() {
    let listed: BTreeSet<(String, String)> = documents::rows("THIRD-PARTY.md")
        .into_iter()
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect();
    let lock = files::read("Cargo.lock");
    let value = |package: &str, key: &str| {
        let line = package.lines().find_map(|line| line.strip_prefix(&format!("{key} = \"")));
        line.map(|rest| rest.trim_end_matches('"').to_owned())
    };
    for package in lock.split("[[package]]").skip(1) {
        // What has no source is ours.
        let (Some(name), Some(version), Some(_)) =
            (value(package, "name"), value(package, "version"), value(package, "source"))
        else {
            continue;
        };
        let entry = (name, version);
        assert!(listed.contains(&entry), "THIRD-PARTY.md lacks {entry:?}: run ops/third-party");
    }
}
