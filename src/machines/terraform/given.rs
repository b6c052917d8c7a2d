//! What the root module is told of the deployment: the variable `anteroom`, which terraform/shape describes. Pure.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Serialize;

use super::hosts::words;
use crate::spec::AptKeySource;
use crate::spec::Auth;
use crate::spec::Environment;
use crate::spec::Spec;
use crate::spec::Terraform;
use crate::spec::TokenKey;

/// Whether machines are protected against deletion, where the environment asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protection {
    /// As the environment asks.
    Kept,
    /// Not: they are about to go.
    Lifted,
}

#[derive(Serialize)]
struct Variable<'a> {
    deployment: &'a str,
    domain: &'a str,
    environment: &'static str,
    protect: bool,
    ttl_seconds: Option<u64>,
    admin_cidrs: Vec<String>,
    /// TCP ports that packages and keys come from, beside the web's.
    tcp_out: BTreeSet<u16>,
    egress: Vec<To>,
    hosts: BTreeMap<&'a str, Host>,
}

#[derive(Serialize)]
struct To {
    address: String,
    port: u16,
}

#[derive(Serialize)]
struct Host {
    roles: Vec<String>,
    ssh_port: u16,
}

/// The variable's value as JSON, which Terraform reads as an expression: no text of a spec that gets here can hold `${`.
pub(super) fn variable(spec: &Spec, settings: &Terraform, protection: Protection) -> String {
    let (environment, ttl_seconds) = match spec.deployment.environment {
        Environment::Production => ("production", None),
        Environment::Test { ttl_seconds } => ("test", Some(ttl_seconds)),
    };
    let host = |host: &crate::spec::HostSpec| Host {
        roles: words(&host.roles),
        ssh_port: settings
            .logins
            .get(&host.name)
            .and_then(|login| login.port)
            .unwrap_or(22),
    };
    let egress = spec.egress.allow.iter().map(|to| To {
        address: to.ip().to_string(),
        port: to.port(),
    });
    let variable = Variable {
        deployment: spec.deployment.name.as_str(),
        domain: spec.deployment.domain.as_str(),
        environment,
        protect: ttl_seconds.is_none() && protection == Protection::Kept,
        ttl_seconds,
        admin_cidrs: spec.access.admin_cidrs.iter().map(ToString::to_string).collect(),
        tcp_out: ports(spec),
        egress: egress.collect(),
        hosts: spec.hosts.iter().map(|one| (one.name.as_str(), host(one))).collect(),
    };
    serde_json::to_string(&variable).expect("text and numbers always serialise")
}

/// The ports that URLs of the spec name.
fn ports(spec: &Spec) -> BTreeSet<u16> {
    let source = &spec.packages.jitsi;
    let mut urls = vec![source.uri.as_str()];
    if let AptKeySource::Url(url) = &source.key {
        urls.push(url);
    }
    if let Auth::Token(token) = &spec.security.auth
        && let TokenKey::Jwks { url } = &token.key
    {
        urls.push(url);
    }
    urls.into_iter().filter_map(port).collect()
}

/// The port after the host of a URL, which the rules have found to be plain.
fn port(url: &str) -> Option<u16> {
    let (_, port) = url.split('/').nth(2)?.split_once(':')?;
    port.parse().ok()
}
