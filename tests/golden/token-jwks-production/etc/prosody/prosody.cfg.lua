-- Prosody as a whole. The deployment's own hosts are in conf.d. Written by anteroom; changes are undone by `apply`.
-- Every setting is explained by `anteroom catalog policy prosody`.

-- Nobody is an administrator of all hosts; the focus is one of its own components only.
admins = {}
-- Nothing here talks to other servers, keeps messages, or lets anyone make an account.
modules_disabled = { "s2s", "register", "offline" }
allow_registration = false
s2s_ports = {}
s2s_direct_tls_ports = {}
c2s_direct_tls_ports = {}
component_ports = {}
-- The focus and the bridge log in here, on this host only. Everybody else comes through nginx.
c2s_ports = { 5222 }
c2s_interfaces = { "127.0.0.1", "::1" }
c2s_require_encryption = true
-- No password crosses a connection that is not encrypted.
allow_unencrypted_plain_auth = false
-- nginx ends TLS and is the only one who can reach these ports, so that its word on the client counts.
http_ports = { 5280 }
http_interfaces = { "127.0.0.1", "::1" }
https_ports = {}
http_default_host = "telemed.example.com"
http_max_content_size = 262144
trusted_proxies = { "127.0.0.1", "::1" }
consider_bosh_secure = true
consider_websocket_secure = true
-- No other site's pages may use the endpoints. `cross_domain_bosh` is ignored since Prosody 0.12.
http_cors_override = { bosh = { enabled = false }, websocket = { enabled = false } }
-- TLS 1.2 or newer, with forward secrecy and AEAD.
certificates = "/var/lib/prosody"
ssl = { protocol = "tlsv1_2+", ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305" }
-- One connection cannot starve the others.
limits = { c2s = { rate = "10kb/s", burst = "2s" } }
-- Names are looked up as everywhere else on this host; by default Prosody leaves /etc/hosts out.
unbound = { resolvconf = true, hoststxt = true }
-- Passwords are stored as salted hashes.
authentication = "internal_hashed"
storage = "internal"
pidfile = "/run/prosody/prosody.pid"
-- What came in, and what a module calls worth an audit, is written down. Never `debug`: the token plugin would
-- log its key. What it logs of a refused token stays in files of the service's own.
log = { info = "/var/log/prosody/prosody.log", error = "/var/log/prosody/prosody.err", { levels = { "audit" }, to = "file", filename = "/var/log/prosody/prosody.audit.log" } }
-- Since Prosody 13 a component's admin no longer owns its rooms by itself, and the focus must.
component_admins_as_room_owners = true
modules_enabled = {
    -- What is needed and nothing else. The shell ends sessions of removed accounts, by a socket that only the
    -- prosody user may open.
    "admin_shell";
    "disco";
    "limits";
    "ping";
    "posix";
    "roster";
    "saslauth";
}

Include "conf.d/*.cfg.lua"
