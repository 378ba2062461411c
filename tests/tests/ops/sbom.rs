//! What we are built from, as a program reads it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde_json::Value;

use super::{root, run, said};

/// Packages as cargo shows the tree of what is built: name and version.
fn built() -> BTreeSet<String> {
    let cargo = Path::new(env!("CARGO"));
    let words =
        "tree --locked --offline -p cli -e normal,build --target all --prefix none --format {p}";
    let words: Vec<_> = words.split(' ').collect();
    let tree = run(cargo, &words, &[]);
    assert!(tree.status.success(), "{}", said(&tree));
    let of = |line: &str| {
        let mut words = line.split(' ');
        Some(format!("{}@{}", words.next()?, words.next()?.strip_prefix('v')?))
    };
    String::from_utf8_lossy(&tree.stdout).lines().filter_map(of).collect()
}

/// The checksums of the lock file, by name and version.
fn sums() -> BTreeMap<String, String> {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).expect("a lock file");
    let value = |package: &str, key: &str| {
        let line = package.lines().find_map(|line| line.strip_prefix(&format!("{key} = \"")));
        line.map(|rest| rest.trim_end_matches('"').to_owned())
    };
    lock.split("[[package]]")
        .skip(1)
        .filter_map(|package| {
            let (name, version) = (value(package, "name")?, value(package, "version")?);
            Some((format!("{name}@{version}"), value(package, "checksum")?))
        })
        .collect()
}

#[test]
fn the_bill_of_materials_has_every_package_of_the_binary_and_no_other() {
    let printed = run(&root().join("ops/sbom"), &[], &[]);
    assert!(printed.status.success(), "{}", said(&printed));
    let bill: Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!((&bill["bomFormat"], &bill["specVersion"]), (&"CycloneDX".into(), &"1.6".into()));
    let components = bill["components"].as_array().unwrap();
    let of = |it: &Value| {
        format!("{}@{}", it["name"].as_str().unwrap(), it["version"].as_str().unwrap())
    };
    let mut listed: BTreeSet<_> = components.iter().map(of).collect();
    assert!(listed.len() > 300 && !listed.iter().any(|it| it.starts_with("proptest@")));
    listed.insert(format!("cli@{}", bill["metadata"]["component"]["version"].as_str().unwrap()));
    assert_eq!(listed, built());

    let sums = sums();
    let refs: BTreeSet<_> = components.iter().map(|it| it["bom-ref"].as_str().unwrap()).collect();
    assert_eq!(refs.len(), components.len(), "each has a name of its own");
    for component in components.iter().filter(|it| it["purl"].is_string()) {
        assert_eq!(
            component["hashes"][0]["content"].as_str(),
            sums.get(&of(component)).map(String::as_str)
        );
        assert!(component["licenses"][0]["expression"].is_string(), "{component}");
    }
    for needs in bill["dependencies"].as_array().unwrap() {
        for one in needs["dependsOn"].as_array().unwrap() {
            assert!(refs.contains(one.as_str().unwrap()), "{one} is not listed");
        }
    }
}
