//! A tree under construction: entries go in by their path, owner, group and mode.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::render::Access;
use crate::render::Entry;
use crate::render::FileContent;
use crate::render::RenderError;
use crate::render::RenderedFile;
use crate::render::RenderedTree;
use crate::render::template::Template;
use crate::secret::Secret;
use crate::spec::RemotePath;

/// Whether a file outlives the deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Goes with the deployment.
    Service,
    /// Sshd and firewall hardening: stays unless asked otherwise.
    Hardening,
}

/// The entries so far.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// By path.
    pub(crate) entries: RenderedTree,
}

/// Owner, group and mode in one word: `access("root:prosody", 0o640)`.
pub(crate) fn access(who: &str, mode: u32) -> Access {
    let (owner, group) = who.split_once(':').unwrap_or((who, who));
    Access {
        owner: owner.to_owned(),
        group: group.to_owned(),
        mode,
    }
}

/// A path, made of constants of ours and validated names.
pub(crate) fn path(text: &str) -> Result<RemotePath, RenderError> {
    text.parse().map_err(RenderError::Path)
}

impl Tree {
    /// A file from a template.
    pub(crate) fn file(
        &mut self,
        at: &str,
        access: Access,
        template: Template,
        view: &impl Serialize,
    ) -> Result<(), RenderError> {
        self.text(at, access, Kind::Service, template.fill(view)?)
    }

    /// A file of hardening from a template.
    pub(crate) fn hardening(
        &mut self,
        at: &str,
        access: Access,
        template: Template,
        view: &impl Serialize,
    ) -> Result<(), RenderError> {
        self.text(at, access, Kind::Hardening, template.fill(view)?)
    }

    /// A file from text.
    pub(crate) fn text(&mut self, at: &str, access: Access, kind: Kind, text: String) -> Result<(), RenderError> {
        self.put(at, access, kind, FileContent::Text(text))
    }

    /// A file that no plan shows.
    pub(crate) fn hidden(&mut self, at: &str, access: Access, content: Secret) -> Result<(), RenderError> {
        self.put(at, access, Kind::Service, FileContent::Hidden(content))
    }

    fn put(&mut self, at: &str, access: Access, kind: Kind, content: FileContent) -> Result<(), RenderError> {
        let file = RenderedFile {
            access,
            content,
            hardening: kind == Kind::Hardening,
        };
        self.entries.insert(path(at)?, Entry::File(file));
        Ok(())
    }

    /// A folder that no package brings.
    pub(crate) fn dir(&mut self, at: &str, access: Access) -> Result<(), RenderError> {
        self.entries.insert(path(at)?, Entry::Dir(access));
        Ok(())
    }

    /// A symbolic link.
    pub(crate) fn link(&mut self, at: &str, target: &str) -> Result<(), RenderError> {
        let target = target.to_owned();
        self.entries.insert(path(at)?, Entry::Link { target });
        Ok(())
    }

    /// Paths from text.
    pub(crate) fn paths(texts: &[&str]) -> Result<BTreeSet<RemotePath>, RenderError> {
        texts.iter().map(|text| path(text)).collect()
    }
}
