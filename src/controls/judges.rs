//! Which function judges which control.

use crate::controls::Case;
use crate::controls::Verdict;
use crate::controls::access;
use crate::controls::administrative;
use crate::controls::availability;
use crate::controls::call;
use crate::controls::cloud;
use crate::controls::cloud_account;
use crate::controls::cloud_machines;
use crate::controls::content_policy;
use crate::controls::disks;
use crate::controls::documents;
use crate::controls::encryption;
use crate::controls::exposure;
use crate::controls::fixes;
use crate::controls::foreign_pages;
use crate::controls::headers;
use crate::controls::integrity;
use crate::controls::journal;
use crate::controls::kernel;
use crate::controls::leakage;
use crate::controls::links;
use crate::controls::live;
use crate::controls::logging;
use crate::controls::logins;
use crate::controls::options;
use crate::controls::policy;
use crate::controls::relay;
use crate::controls::remains;
use crate::controls::sandbox;
use crate::controls::secrets;
use crate::controls::session;
use crate::controls::ssh;
use crate::controls::suites;
use crate::controls::upkeep;
use crate::controls::weaknesses;

/// A control's judgement over everything that was seen.
pub(super) type Judge = fn(&Case) -> Vec<Verdict>;

/// From where a control looks; a probe without a spec has only the outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    Outside,
    Host,
    Paper,
    Cloud,
}

/// Every control and its judge. A test holds this table, the catalog and docs/controls.md together.
pub(super) const JUDGES: &[(&str, View, Judge)] = &[
    (
        "encryption/legacy-tls-refused",
        View::Outside,
        encryption::legacy_tls_refused,
    ),
    (
        "encryption/modern-tls-offered",
        View::Outside,
        encryption::modern_tls_offered,
    ),
    (
        "encryption/certificate-valid",
        View::Outside,
        encryption::certificate_valid,
    ),
    (
        "encryption/http-redirects-only",
        View::Outside,
        encryption::http_redirects_only,
    ),
    ("encryption/hsts", View::Outside, encryption::hsts),
    (
        "encryption/redirect-stays-home",
        View::Outside,
        foreign_pages::redirect_stays_home,
    ),
    ("encryption/cookies-secure", View::Outside, headers::cookies_secure),
    (
        "encryption/weak-suites-refused",
        View::Outside,
        encryption::weak_suites_refused,
    ),
    ("encryption/disks-encrypted", View::Host, disks::disks_encrypted),
    ("encryption/suites-in-profile", View::Outside, suites::suites_in_profile),
    ("encryption/key-exchange", View::Outside, suites::key_exchange),
    (
        "encryption/handshake-signatures",
        View::Outside,
        suites::handshake_signatures,
    ),
    (
        "encryption/certificate-strength",
        View::Outside,
        suites::certificate_strength,
    ),
    ("encryption/tls-named-attacks", View::Outside, session::named_attacks),
    (
        "encryption/session-protected",
        View::Outside,
        session::session_protected,
    ),
    ("encryption/same-everywhere", View::Outside, session::same_everywhere),
    ("encryption/xmpp-starttls", View::Outside, session::xmpp_starttls),
    ("encryption/ssh-algorithms", View::Outside, ssh::algorithms),
    ("encryption/ssh-terrapin", View::Outside, ssh::terrapin),
    ("encryption/media-fingerprints", View::Outside, call::media_fingerprints),
    ("encryption/media-aead", View::Outside, call::media_aead),
    (
        "encryption/plain-media-refused",
        View::Outside,
        call::plain_media_refused,
    ),
    ("access/stranger-refused", View::Outside, access::stranger_refused),
    (
        "access/registration-not-offered",
        View::Outside,
        access::registration_not_offered,
    ),
    (
        "access/service-domain-closed",
        View::Outside,
        access::service_domain_closed,
    ),
    (
        "access/guest-cannot-create-room",
        View::Outside,
        access::guest_cannot_create_room,
    ),
    ("access/brewery-closed", View::Outside, access::brewery_closed),
    (
        "access/foreign-pages-refused",
        View::Outside,
        foreign_pages::foreign_pages_refused,
    ),
    ("access/framing-refused", View::Outside, content_policy::framing_refused),
    (
        "access/devices-own-page-only",
        View::Outside,
        headers::devices_own_page_only,
    ),
    (
        "access/forged-tokens-refused",
        View::Outside,
        access::forged_tokens_refused,
    ),
    (
        "access/wrong-passwords-refused",
        View::Outside,
        live::wrong_passwords_refused,
    ),
    ("access/moderators-are-hosts", View::Outside, live::moderators_are_hosts),
    ("access/lobby-holds-guests", View::Outside, live::lobby_holds_guests),
    (
        "access/clinician-can-open-room",
        View::Outside,
        access::clinician_can_open_room,
    ),
    ("access/patient-waits", View::Outside, call::patient_waits),
    (
        "access/ice-credentials-checked",
        View::Outside,
        call::ice_credentials_checked,
    ),
    ("access/secrets-private", View::Host, access::secrets_private),
    ("access/ssh-keys-only", View::Host, ssh::keys_only),
    ("access/ssh-offers-keys-only", View::Outside, ssh::offers_keys_only),
    ("access/no-unknown-admins", View::Host, access::no_unknown_admins),
    ("access/mfa-at-identity-provider", View::Paper, documents::document),
    ("access/break-glass", View::Paper, documents::document),
    (
        "access/no-secrets-out-of-place",
        View::Host,
        secrets::no_secrets_out_of_place,
    ),
    ("access/files-private", View::Host, secrets::files_private),
    ("access/setuid-programs", View::Host, secrets::setuid_programs),
    ("access/no-unknown-logins", View::Host, logins::no_unknown_logins),
    (
        "access/relay-credentials-short-lived",
        View::Outside,
        relay::relay_credentials_short_lived,
    ),
    (
        "access/relay-credentials-end",
        View::Outside,
        relay::relay_credentials_end,
    ),
    (
        "leakage/relay-version-hidden",
        View::Outside,
        relay::relay_version_hidden,
    ),
    ("leakage/config-own-origins", View::Outside, leakage::config_own_origins),
    ("leakage/config-hygiene", View::Outside, leakage::config_hygiene),
    ("leakage/log-hygiene", View::Host, journal::log_hygiene),
    ("leakage/no-upstream-hosts", View::Host, remains::no_upstream_hosts),
    ("leakage/rooms-not-listed", View::Outside, leakage::rooms_not_listed),
    ("leakage/own-origins-only", View::Outside, links::own_origins_only),
    ("leakage/link-overrides", View::Outside, links::link_overrides),
    ("leakage/content-policy", View::Outside, content_policy::content_policy),
    (
        "leakage/cross-origin-reads",
        View::Outside,
        foreign_pages::cross_origin_reads,
    ),
    ("leakage/referrer", View::Outside, headers::referrer),
    ("leakage/versions-hidden", View::Outside, headers::versions_hidden),
    ("leakage/candidate-addresses", View::Outside, call::candidate_addresses),
    ("leakage/swap-encrypted", View::Host, kernel::swap_encrypted),
    ("exposure/only-spec-udp", View::Outside, exposure::only_spec_udp),
    (
        "exposure/internal-endpoints-closed",
        View::Outside,
        exposure::internal_endpoints_closed,
    ),
    (
        "exposure/relay-needs-credentials",
        View::Outside,
        relay::relay_needs_credentials,
    ),
    ("exposure/relay-peers-closed", View::Outside, relay::relay_peers_closed),
    (
        "exposure/relay-serves-bridge-only",
        View::Outside,
        relay::relay_serves_bridge_only,
    ),
    ("exposure/only-spec-ports", View::Outside, exposure::only_spec_ports),
    ("exposure/no-federation", View::Outside, exposure::no_federation),
    (
        "exposure/methods-refused",
        View::Outside,
        foreign_pages::methods_refused,
    ),
    (
        "exposure/only-spec-listeners",
        View::Host,
        exposure::only_spec_listeners,
    ),
    ("exposure/firewall-in-force", View::Host, exposure::firewall_in_force),
    ("logging/clock-synchronised", View::Host, upkeep::clock_synchronised),
    ("logging/clock-right", View::Host, logging::clock_right),
    (
        "logging/journal-settings-in-force",
        View::Host,
        journal::journal_settings,
    ),
    ("logging/audit-trail", View::Host, journal::audit_trail),
    ("integrity/files-as-rendered", View::Host, integrity::files_as_rendered),
    ("integrity/policy-in-force", View::Host, policy::policy_in_force),
    (
        "integrity/packages-as-pinned",
        View::Host,
        integrity::packages_as_pinned,
    ),
    ("integrity/package-origin", View::Host, integrity::package_origin),
    ("integrity/services-running", View::Host, integrity::services_running),
    (
        "integrity/accounts-as-rendered",
        View::Host,
        integrity::accounts_as_rendered,
    ),
    (
        "integrity/content-types-fixed",
        View::Outside,
        headers::content_types_fixed,
    ),
    ("integrity/sandboxes-in-force", View::Host, sandbox::sandboxes_in_force),
    ("integrity/kernel-settings", View::Host, kernel::kernel_settings),
    ("integrity/bridge-options", View::Host, options::bridge_options),
    ("integrity/focus-options", View::Host, options::focus_options),
    (
        "integrity/no-known-vulnerabilities",
        View::Host,
        weaknesses::no_known_vulnerabilities,
    ),
    ("availability/security-upgrades", View::Host, upkeep::security_upgrades),
    ("availability/fixes-applied", View::Host, fixes::fixes_applied),
    ("availability/system-supported", View::Host, fixes::system_supported),
    (
        "availability/domain-points-here",
        View::Host,
        availability::domain_points_here,
    ),
    ("availability/media-path", View::Host, availability::media_path),
    ("availability/rate-limited", View::Outside, availability::rate_limited),
    ("availability/media-end-to-end", View::Outside, call::media_end_to_end),
    ("administrative/baa-recorded", View::Paper, administrative::baa_recorded),
    (
        "administrative/security-official-named",
        View::Paper,
        administrative::security_official_named,
    ),
    ("administrative/risk-analysis", View::Paper, documents::document),
    ("administrative/risk-management", View::Paper, documents::document),
    ("administrative/sanction-policy", View::Paper, documents::document),
    ("administrative/activity-review", View::Paper, documents::document),
    ("administrative/workforce-clearance", View::Paper, documents::document),
    ("administrative/leavers-lose-access", View::Paper, documents::document),
    ("administrative/access-roster", View::Paper, documents::document),
    ("administrative/workforce-training", View::Paper, documents::document),
    (
        "administrative/incident-response-plan",
        View::Paper,
        documents::document,
    ),
    ("administrative/alerts-reach-a-person", View::Paper, documents::document),
    ("administrative/contingency-plan", View::Paper, documents::document),
    ("administrative/emergency-channel", View::Paper, documents::document),
    ("administrative/recovery-rehearsed", View::Paper, documents::document),
    ("administrative/evaluation", View::Paper, documents::document),
    ("administrative/processors-covered", View::Paper, documents::document),
    ("administrative/agreement-terms", View::Paper, documents::document),
    (
        "administrative/policies-and-procedures",
        View::Paper,
        documents::document,
    ),
    ("administrative/records-kept", View::Paper, documents::document),
    ("administrative/workstations", View::Paper, documents::document),
    ("administrative/facility-access", View::Paper, documents::document),
    ("disposal/media-procedure", View::Paper, documents::document),
    ("disposal/rooms-leave-nothing", View::Host, remains::rooms_leave_nothing),
    ("administrative/baa-in-force", View::Cloud, cloud::baa_in_force),
    ("exposure/cloud-ports", View::Cloud, cloud_machines::ports),
    ("exposure/cloud-addresses", View::Cloud, cloud_machines::addresses),
    (
        "exposure/cloud-metadata-tokens",
        View::Cloud,
        cloud_machines::metadata_tokens,
    ),
    ("access/cloud-machine-role", View::Cloud, cloud_machines::machine_role),
    (
        "availability/cloud-termination-protection",
        View::Cloud,
        cloud_machines::termination_protection,
    ),
    ("integrity/cloud-tags", View::Cloud, cloud::tags),
    ("integrity/cloud-as-planned", View::Cloud, cloud::as_planned),
    ("disposal/cloud-leftovers", View::Cloud, cloud::leftovers),
    (
        "encryption/cloud-disks-encrypted",
        View::Cloud,
        cloud_account::disks_encrypted,
    ),
    (
        "leakage/cloud-snapshots-private",
        View::Cloud,
        cloud_account::snapshots_private,
    ),
    (
        "encryption/cloud-default-encryption",
        View::Cloud,
        cloud_account::default_encryption,
    ),
    (
        "leakage/cloud-public-snapshots-blocked",
        View::Cloud,
        cloud_account::public_snapshots_blocked,
    ),
    (
        "encryption/cloud-key-rotation",
        View::Cloud,
        cloud_account::key_rotation,
    ),
    ("logging/cloud-flow-logs", View::Cloud, cloud_account::flow_logs),
    ("logging/cloud-trail", View::Cloud, cloud_account::trail),
];
