//! The specs that tests write: one host in the lab, with what a test wants otherwise.

/// A spec but for the host, which is filled in.
pub(crate) struct SpecFile {
    pub(crate) deployment: &'static str,
    pub(crate) environment: &'static str,
    pub(crate) auth: &'static str,
    pub(crate) user: &'static str,
    /// In place of the lab's key.
    pub(crate) key: Option<String>,
    /// In place of the host's pinned fingerprint.
    pub(crate) host_key: Option<String>,
    /// In place of the host's address.
    pub(crate) address: Option<String>,
    /// Whole sections.
    pub(crate) more: String,
}

impl SpecFile {
    /// Room links, as the snapshot is deployed.
    pub(crate) fn token() -> Self {
        Self {
            deployment: "e2e",
            environment: "environment = \"test\"\nttl = \"4h\"",
            auth: "token",
            user: "root",
            key: None,
            host_key: None,
            address: None,
            more: "[certificate]\nkind = \"self-signed\"\n".to_owned(),
        }
    }

    /// Clinicians' accounts.
    pub(crate) fn internal() -> Self {
        Self {
            auth: "internal",
            ..Self::token()
        }
    }

    /// The same with a further section.
    pub(crate) fn with(mut self, section: &str) -> Self {
        self.more.push_str(section);
        self
    }

    /// The file's text for a host.
    pub(crate) fn text(&self, place: &Place) -> String {
        let Self {
            deployment,
            environment,
            auth,
            user,
            more,
            ..
        } = self;
        let address = self.address.as_ref().unwrap_or(&place.address);
        let key = self.key.as_ref().unwrap_or(&place.key);
        let host_key = self.host_key.as_ref().unwrap_or(&place.host_key);
        let Place {
            uri,
            key_file,
            fingerprint,
            ..
        } = place;
        // Clones of a deployed host have other addresses than it had; the one that goes into configuration is the same.
        format!(
            "[deployment]\nname = \"{deployment}\"\ndomain = \"telemed.example.test\"\n{environment}\n\
             [machines]\nkind = \"existing\"\n\
             [[host]]\nname = \"core\"\naddress = \"{address}\"\nprivate_address = \"10.20.0.15\"\nuser = \"{user}\"\n\
             key = \"{key}\"\nhost_key = \"{host_key}\"\n\
             [security]\nauth = \"{auth}\"\n\
             [packages.jitsi]\nuri = \"{uri}\"\nsuite = \"stable/\"\nkey_file = \"{key_file}\"\n\
             fingerprint = \"{fingerprint}\"\n{more}"
        )
    }
}

/// What a spec needs to know of a host and of the repository.
pub(crate) struct Place {
    pub(crate) address: String,
    pub(crate) key: String,
    pub(crate) host_key: String,
    pub(crate) uri: String,
    pub(crate) key_file: String,
    pub(crate) fingerprint: String,
}
