//! Builds the scenarios into the program, so that an installed `mqspec` has them wherever it runs.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let manifest = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let root = manifest.join("../../scenarios");
    let mut files = Vec::new();
    if root.is_dir() {
        println!("cargo::rerun-if-changed={}", root.display());
        collect(&root.canonicalize()?, &mut files)?;
    }
    println!("cargo::rerun-if-changed=build.rs");
    files.sort();

    let mut table = String::from("&[\n");
    for file in &files {
        let below = file.strip_prefix(root.canonicalize()?)?.to_string_lossy().replace('\\', "/");
        writeln!(table, "    ({below:?}, include_str!({:?})),", file.display().to_string())?;
    }
    table.push_str("]\n");
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("scenarios.rs"), table)?;
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            files.push(path);
        }
    }
    Ok(())
}
