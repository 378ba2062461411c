//! For build scripts: the tables of a peer that ships them as files beside its code, for its users to copy. We copy them
//! from its package while building, so that they are always those of the version that is measured.

use std::{env, ffi::OsStr, fs, path::PathBuf, process::Command};

use anyhow::{Context, ensure};
use serde_json::Value;

/// Writes all files of a package whose paths end so, in their order, to `schema.sql` of the build script's own folder.
pub fn write(package: &str, ending: &str) -> anyhow::Result<()> {
    let folder = folder_of(package)?;
    let mut paths = Vec::new();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                paths.push(path);
            }
        }
    }
    ensure!(!paths.is_empty(), "{package} has no files {ending}");
    paths.sort();
    let mut sql = String::new();
    for path in paths {
        sql.push_str(&fs::read_to_string(path)?);
        sql.push('\n');
    }
    let out = env::var_os("OUT_DIR").context("not in a build script")?;
    Ok(fs::write(PathBuf::from(out).join("schema.sql"), sql)?)
}

/// Where cargo keeps its source.
fn folder_of(package: &str) -> anyhow::Result<PathBuf> {
    let variable = |name| env::var_os(name).context("not in a build script");
    // Of other platforms' packages nothing has been fetched, and nothing is to be.
    let output = Command::new(variable("CARGO")?)
        .args(["metadata", "--format-version", "1", "--offline", "--filter-platform"].map(OsStr::new))
        .arg(variable("TARGET")?)
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().context("no packages")?;
    let manifest = packages
        .iter()
        .find(|it| it["name"] == package)
        .and_then(|it| it["manifest_path"].as_str())
        .with_context(|| format!("{package} is not among the packages"))?;
    Ok(PathBuf::from(manifest).parent().context("a manifest is in a folder")?.to_owned())
}
