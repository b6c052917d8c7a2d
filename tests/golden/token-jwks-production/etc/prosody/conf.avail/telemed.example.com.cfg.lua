-- The XMPP hosts of "telemed.example.com". Written by anteroom; changes are undone by `apply`.
-- Every setting is explained by `anteroom catalog policy prosody-site`.
--
-- Some comments below are there because the package jitsi-meet-prosody searches this file for their text, and
-- edits the file where it does not find it:
--   VirtualHost "jigasi.meet.jitsi" is not configured: it would fetch keys from a third party.
--   Component "polls.telemed.example.com" is not configured: polls are off.
--   --"polls";

-- Since Prosody 13 a component's admin no longer owns its rooms by itself, and the focus must.
component_admins_as_room_owners = true
plugin_paths = { "/usr/share/jitsi-meet/prosody-plugins/", "/usr/share/anteroom/prosody-plugins/" }
-- Without it the modules that hold guests back do nothing.
muc_mapper_domain_base = "telemed.example.com"
-- The services' own traffic is not limited: a focus that is held back drops calls.
unlimited_jids = { "focus@auth.telemed.example.com", "jvb@auth.telemed.example.com" }
-- STUN and TURN of this host only, with credentials that end after two hours.
external_service_secret = "<secret:turn>"
external_services = {
    { type = "stun", host = "telemed.example.com", port = 3478, transport = "udp" };
    { type = "turn", host = "telemed.example.com", port = 3478, transport = "udp", secret = true, ttl = 7200, algorithm = "turn" };
    { type = "turns", host = "telemed.example.com", port = 5349, transport = "tcp", secret = true, ttl = 7200, algorithm = "turn" };
}
-- A lost connection may come back for a minute, and then its session ends.
smacks_max_unacked_stanzas = 5
smacks_hibernation_time = 60
smacks_max_old_sessions = 1
-- What moderators may do when their token does not say: nothing that sends or stores a visit's content
-- elsewhere.
jitsi_default_permissions = { livestreaming = false, recording = false, transcription = false, ["outbound-call"] = false, ["live-translation"] = false, ["live-translation-subscribe"] = false, ["file-upload"] = false, ["create-polls"] = false, ["send-groupchat"] = true, flip = true }

-- Without these, rooms stay shut: see mod_anteroom_guard.
anteroom_required = {
    ["telemed.example.com"] = { "auth_token"; "anteroom_token_limits"; "muc_lobby_rooms"; "persistent_lobby"; };
    ["conference.telemed.example.com"] = { "token_verification"; "muc_wait_for_host"; "muc_max_occupants"; };
    ["guest.telemed.example.com"] = { "auth_jitsi-anonymous"; "anteroom_no_token"; };
    ["auth.telemed.example.com"] = { "auth_internal_hashed"; "anteroom_encrypted_login"; };
    ["internal.auth.telemed.example.com"] = { "muc_filter_access"; };
}

-- Clinicians.
VirtualHost "telemed.example.com"
    -- Who has no token of the clinic does not get in: its signature, issuer, audience, room and time all have to
    -- be right.
    authentication = "token"
    app_id = "clinic"
    signature_algorithm = "RS256"
    asap_accepted_issuers = { "clinic" }
    asap_accepted_audiences = { "telemed" }
    asap_require_room_claim = true
    enable_domain_verification = true
    allow_empty_token = false
    -- The identity provider's own keys judge its tokens.
    cache_keys_url = "https://idp.example.com/realms/clinic/protocol/openid-connect/certs"
    -- Every room has a lobby before its host comes. A token that never ends, or that opens every room, is no
    -- token, and no session outlasts what the spec allows.
    anteroom_session_minutes = 30
    -- Nothing is said before the connection is encrypted.
    c2s_require_encryption = true
    -- What a call needs, and the lobby.
    main_muc = "conference.telemed.example.com"
    lobby_muc = "lobby.telemed.example.com"
    modules_enabled = {
        -- Every room has a lobby before its host comes. A token that never ends, or that opens every room, is no
        -- token, and no session outlasts what the spec allows.
        "persistent_lobby";
        "anteroom_token_limits";
        -- What a call needs, and the lobby.
        "bosh";
        "websocket";
        "smacks";
        "external_services";
        "features_identity";
        "conference_duration";
        "muc_lobby_rooms";
    }

-- Patients.
VirtualHost "guest.telemed.example.com"
    -- Patients have no account; that they cannot open rooms is decided where rooms are.
    authentication = "jitsi-anonymous"
    c2s_require_encryption = true
    main_muc = "conference.telemed.example.com"
    lobby_muc = "lobby.telemed.example.com"
    modules_enabled = {
        -- A guest who sends any token would be taken for the room's owner, so it is taken away.
        "smacks";
        "anteroom_no_token";
    }

-- The accounts of the focus and the bridge.
VirtualHost "auth.telemed.example.com"
    -- The services' accounts log in over TLS to a certificate of their own, and their passwords cannot be tried
    -- from outside.
    authentication = "internal_hashed"
    c2s_require_encryption = true
    ssl = { key = "/var/lib/prosody/auth.telemed.example.com.key", certificate = "/var/lib/prosody/auth.telemed.example.com.crt" }
    smacks_hibernation_time = 15
    -- Shows the focus' presence to its proxy, which finds the focus by it.
    groups_file = "/etc/prosody/anteroom-groups.txt"
    modules_enabled = {
        -- The services' accounts log in over TLS to a certificate of their own, and their passwords cannot be tried
        -- from outside.
        "tls";
        "limits_exception";
        "smacks";
        "anteroom_encrypted_login";
        -- Shows the focus' presence to its proxy, which finds the focus by it.
        "groups";
    }

Component "conference.telemed.example.com" "muc"
    -- Only the focus opens rooms, and nobody owns one but by it.
    restrict_room_creation = true
    admins = { "focus@auth.telemed.example.com" }
    -- A token opens its own room only; guests, who have none, wait until a host has come, and nobody moderates
    -- without one.
    token_verification_allowlist = { "guest.telemed.example.com" }
    token_verification_require_token_for_moderation = true
    -- Who knocks too often is slowed down, whatever address nginx saw; the host itself is not.
    rate_limit_login_rate = 3
    rate_limit_session_rate = 1000
    rate_limit_timeout = 60
    rate_limit_whitelist = { "127.0.0.1", "::1" }
    -- A visit has few people in it.
    muc_max_occupants = 6
    muc_access_whitelist = { "focus@auth.telemed.example.com" }
    muc_password_whitelist = { "focus@auth.telemed.example.com" }
    -- Nobody takes another's place by his name in the room.
    anonymous_strict = true
    -- Nothing of a room outlives it: it is in memory, leaves no tombstone, and cannot be made to stay.
    storage = "memory"
    muc_tombstones = false
    muc_room_allow_persistent = false
    muc_room_locking = false
    muc_room_default_public_jids = true
    modules_enabled = {
        -- A room that lost a module which holds people back stays shut.
        "anteroom_guard";
        -- Rooms cannot be listed, and have names that Jitsi's parts agree on.
        "muc_hide_all";
        "muc_meeting_id";
        "muc_domain_mapper";
        -- A token opens its own room only; guests, who have none, wait until a host has come, and nobody moderates
        -- without one.
        "token_verification";
        "muc_wait_for_host";
        -- Who knocks too often is slowed down, whatever address nginx saw; the host itself is not.
        "muc_rate_limit";
        "rate_limit";
        -- A visit has few people in it.
        "muc_max_occupants";
        "muc_password_whitelist";
        -- Nobody takes another's place by his name in the room.
        "muc_resource_validate";
    }

Component "lobby.telemed.example.com" "muc"
    -- Only the service opens waiting rooms; who waits sees nobody else's.
    restrict_room_creation = true
    -- Waiting rooms cannot be flooded.
    muc_max_occupants = 6
    muc_access_whitelist = { "focus@auth.telemed.example.com" }
    -- Nothing of a waiting room outlives it.
    storage = "memory"
    muc_tombstones = false
    muc_room_allow_persistent = false
    muc_room_locking = false
    muc_room_default_public_jids = true
    modules_enabled = {
        -- Only the service opens waiting rooms; who waits sees nobody else's.
        "anteroom_guard";
        "muc_hide_all";
        -- Waiting rooms cannot be flooded.
        "muc_rate_limit";
        "muc_max_occupants";
    }

Component "internal.auth.telemed.example.com" "muc"
    -- Where bridges meet the focus. Whoever gets in here is taken for a bridge and is handed the media, so that
    -- only accounts of the services may.
    restrict_room_creation = true
    admins = { "focus@auth.telemed.example.com", "jvb@auth.telemed.example.com" }
    muc_filter_whitelist = { "auth.telemed.example.com" }
    anteroom_admits = { "auth.telemed.example.com", "focus.telemed.example.com" }
    disco_hidden = true
    -- Nothing of the room outlives it.
    storage = "memory"
    muc_tombstones = false
    muc_room_allow_persistent = false
    muc_room_locking = false
    muc_room_default_public_jids = true
    modules_enabled = {
        -- Where bridges meet the focus. Whoever gets in here is taken for a bridge and is handed the media, so that
        -- only accounts of the services may.
        "anteroom_guard";
        "muc_hide_all";
        "muc_filter_access";
    }

-- The focus has an account instead of being a component of its own.
Component "focus.telemed.example.com" "client_proxy"
    target_address = "focus@auth.telemed.example.com"

Component "speakerstats.telemed.example.com" "speakerstats_component"
    muc_component = "conference.telemed.example.com"

Component "endconference.telemed.example.com" "end_conference"
    muc_component = "conference.telemed.example.com"

Component "avmoderation.telemed.example.com" "av_moderation_component"
    muc_component = "conference.telemed.example.com"

Component "metadata.telemed.example.com" "room_metadata_component"
    muc_component = "conference.telemed.example.com"
