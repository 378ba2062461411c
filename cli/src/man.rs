//! `trunkline man`: the manual, made of what the command line says about itself.

use std::{io::Write, path::Path, process::ExitCode};

use anyhow::Context;
use clap::Command;
use clap_mangen::Man;

use crate::{args::ManArgs, operate};

/// Prints one page, or writes all of them.
pub(crate) fn run(options: &ManArgs) -> anyhow::Result<ExitCode> {
    let mut whole = whole();
    if let Some(folder) = &options.to {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        write_below(folder, &whole)?;
        return Ok(ExitCode::SUCCESS);
    }
    for word in &options.of {
        let found = whole.find_subcommand(word).cloned();
        whole = found.with_context(|| format!("there is no `{}`", options.of.join(" ")))?;
    }
    std::io::stdout().write_all(&page(whole)?)?;
    Ok(ExitCode::SUCCESS)
}

/// The whole command line, each command under its whole name.
fn whole() -> Command {
    let mut whole = operate::command().disable_help_subcommand(true);
    whole.build();
    whole
}

fn page(command: Command) -> anyhow::Result<Vec<u8>> {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let mut page = Vec::new();
    Man::new(command.name(name)).render(&mut page)?;
    Ok(page)
}

/// A page for a command, and one for each below it: `trunkline-job-retry.1`.
fn write_below(folder: &Path, command: &Command) -> anyhow::Result<()> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    std::fs::write(folder.join(format!("{name}.1")), page(command.clone())?)?;
    command.get_subcommands().try_for_each(|below| write_below(folder, below))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_that_says_what_it_is_for() {
        let folder = std::env::temp_dir().join(format!("trunkline-man-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        write_below(&folder, &whole()).unwrap();
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
        assert!(read("trunkline.1").contains("trunkline\\-doctor(1)"));
        let retry = read("trunkline-job-retry.1");
        assert!(retry.contains("Try a job again now") && retry.contains("\\-\\-reason"), "{retry}");
        let pages = std::fs::read_dir(&folder).unwrap().count();
        assert!(pages > operate::command().get_subcommands().count(), "{pages} pages");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
