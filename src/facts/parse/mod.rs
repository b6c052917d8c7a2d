//! Pure parsers: the text of one command in, what it says out. They know nothing of frames or hosts.

pub(crate) mod accounts;
pub(crate) mod apt_key;
pub(crate) mod certificate;
pub(crate) mod files;
pub(crate) mod folder;
pub(crate) mod hocon;
pub(crate) mod host;
pub(crate) mod journal;
pub(crate) mod logins;
pub(crate) mod machine;
pub(crate) mod network;
pub(crate) mod options;
pub(crate) mod out_of_place;
pub(crate) mod packages;
pub(crate) mod superusers;
pub(crate) mod system;
pub(crate) mod units;
