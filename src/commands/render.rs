//! `render`: the configuration tree of every host, written to a folder. Secrets stay slots.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use crate::commands::Format;
use crate::commands::error::CommandError;
use crate::commands::spec_args::SpecArgs;
use crate::commands::ui::Ui;
use crate::render;
use crate::render::Entry;
use crate::render::FileContent;
use crate::render::Wanted;

/// Arguments of `render`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  anteroom render            List what every host would hold\n  anteroom render -o tree    Write it to tree/HOST/…, for review in a pull request"
)]
pub struct RenderArgs {
    #[command(flatten)]
    spec: SpecArgs,
    /// The folder to write to; it must be empty or not exist
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// Renders every host.
pub(crate) fn run(args: &RenderArgs, format: Format, ui: &Ui) -> Result<u8, CommandError> {
    let spec = args.spec.load()?;
    let rendered: Vec<Wanted> = spec
        .hosts
        .iter()
        .map(|host| render::render(&spec, host).map_err(CommandError::failed))
        .collect::<Result<_, _>>()?;
    if let Some(folder) = &args.output {
        let occupied = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
        if occupied {
            return Err(CommandError::usage(format!("{} is not empty", folder.display()))
                .hint("name a new folder; nothing is ever overwritten"));
        }
        for wanted in &rendered {
            let root = folder.join(wanted.host.as_str());
            write_tree(&root, wanted).map_err(|e| CommandError::failed(format!("write {}: {e}", root.display())))?;
        }
    }
    match format {
        Format::Json => {
            let rows: Vec<serde_json::Value> = rendered.iter().flat_map(json_rows).collect();
            let document = serde_json::json!({"schema": "anteroom/render/v1", "entries": rows});
            ui.data(&format!("{document:#}\n"));
        }
        Format::Text => {
            for wanted in &rendered {
                for (path, entry) in &wanted.tree {
                    ui.data(&format!("{}  {path}  {}\n", wanted.host, describe(entry)));
                }
            }
        }
    }
    Ok(0)
}

fn describe(entry: &Entry) -> String {
    match entry {
        Entry::File(file) => {
            let access = &file.access;
            format!("{:04o} {}:{}", access.mode, access.owner, access.group)
        }
        Entry::Dir(access) => format!("{:04o} {}:{} folder", access.mode, access.owner, access.group),
        Entry::Link { target } => format!("-> {target}"),
    }
}

fn json_rows(wanted: &Wanted) -> Vec<serde_json::Value> {
    let row = |(path, entry): (&crate::spec::RemotePath, &Entry)| {
        let content = match entry {
            Entry::File(file) => match &file.content {
                FileContent::Text(text) => Some(text.clone()),
                FileContent::Hidden(_) => None,
            },
            Entry::Dir(_) | Entry::Link { .. } => None,
        };
        serde_json::json!({"host": wanted.host, "path": path, "access": describe(entry), "content": content})
    };
    wanted.tree.iter().map(row).collect()
}

/// Private keys from the operator's disk are left out: they are there already, and need no copy.
fn write_tree(root: &Path, wanted: &Wanted) -> io::Result<()> {
    for (path, entry) in &wanted.tree {
        let place = root.join(path.as_str().trim_start_matches('/'));
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent)?;
        }
        match entry {
            Entry::Dir(_) => fs::create_dir_all(&place)?,
            Entry::Link { target } => std::os::unix::fs::symlink(target, &place)?,
            Entry::File(file) => match &file.content {
                FileContent::Text(text) => fs::write(&place, text)?,
                FileContent::Hidden(_) => {}
            },
        }
    }
    Ok(())
}
