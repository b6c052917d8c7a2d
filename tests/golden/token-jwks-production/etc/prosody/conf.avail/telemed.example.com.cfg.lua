-- The XMPP hosts of "telemed.example.com". Written by anteroom; changes are undone by `apply`.
--
-- Some comments below are there because the package jitsi-meet-prosody searches this file for their text, and
-- edits the file where it does not find it:
--   VirtualHost "jigasi.meet.jitsi" is not configured: it would fetch keys from a third party.
--   Component "polls.telemed.example.com" is not configured: polls are off.
--   --"polls";

component_admins_as_room_owners = true
plugin_paths = { "/usr/share/jitsi-meet/prosody-plugins/", "/usr/share/anteroom/prosody-plugins/" }

muc_mapper_domain_base = "telemed.example.com"
unlimited_jids = { "focus@auth.telemed.example.com", "jvb@auth.telemed.example.com" }

external_service_secret = "<secret:turn>"
external_services = {
    { type = "stun", host = "telemed.example.com", port = 3478 };
    { type = "turn", host = "telemed.example.com", port = 3478, transport = "udp", secret = true, ttl = 7200, algorithm = "turn" };
    { type = "turns", host = "telemed.example.com", port = 5349, transport = "tcp", secret = true, ttl = 7200, algorithm = "turn" };
}

smacks_max_unacked_stanzas = 5
smacks_hibernation_time = 60
smacks_max_old_sessions = 1

-- What moderators may do when their token does not say. Upstream allows the first four.
jitsi_default_permissions = {
    livestreaming = false;
    recording = false;
    transcription = false;
    ["outbound-call"] = false;
    ["file-upload"] = false;
    ["create-polls"] = false;
    ["send-groupchat"] = true;
    flip = true;
}

-- Without these, rooms stay shut: see mod_anteroom_guard.
anteroom_required = {
    ["telemed.example.com"] = { "auth_token"; "anteroom_token_lifetime"; "muc_lobby_rooms"; "persistent_lobby"; };
    ["conference.telemed.example.com"] = { "token_verification"; "muc_wait_for_host"; "muc_max_occupants"; };
    ["guest.telemed.example.com"] = { "auth_jitsi-anonymous"; "anteroom_no_token"; };
    ["auth.telemed.example.com"] = { "auth_internal_hashed"; "anteroom_encrypted_login"; };
    ["internal.auth.telemed.example.com"] = { "muc_filter_access"; };
}

-- Clinicians.
VirtualHost "telemed.example.com"
    authentication = "token"
    app_id = "clinic"
    signature_algorithm = "RS256"
    cache_keys_url = "https://idp.example.com/realms/clinic/protocol/openid-connect/certs"
    asap_accepted_issuers = { "clinic" }
    asap_accepted_audiences = { "telemed" }
    asap_require_room_claim = true
    enable_domain_verification = true
    allow_empty_token = false
    c2s_require_encryption = true
    modules_enabled = {
        "bosh";
        "websocket";
        "smacks";
        "external_services";
        "features_identity";
        "conference_duration";
        "muc_lobby_rooms";
        "persistent_lobby";
        "anteroom_token_lifetime";
    }
    main_muc = "conference.telemed.example.com"
    lobby_muc = "lobby.telemed.example.com"

-- Patients.
VirtualHost "guest.telemed.example.com"
    authentication = "jitsi-anonymous"
    c2s_require_encryption = true
    modules_enabled = {
        "smacks";
        "anteroom_no_token";
    }
    main_muc = "conference.telemed.example.com"
    lobby_muc = "lobby.telemed.example.com"

-- The accounts of the focus and the bridge. Their passwords cannot be tried from outside.
VirtualHost "auth.telemed.example.com"
    authentication = "internal_hashed"
    c2s_require_encryption = true
    ssl = {
        key = "/var/lib/prosody/auth.telemed.example.com.key";
        certificate = "/var/lib/prosody/auth.telemed.example.com.crt";
    }
    modules_enabled = {
        "tls";
        "limits_exception";
        "smacks";
        "groups";
        "anteroom_encrypted_login";
    }
    smacks_hibernation_time = 15
    -- Shows the focus' presence to its proxy, which finds the focus by it.
    groups_file = "/etc/prosody/anteroom-groups.txt"

Component "conference.telemed.example.com" "muc"
    restrict_room_creation = true
    storage = "memory"
    admins = { "focus@auth.telemed.example.com" }
    modules_enabled = {
        "anteroom_guard";
        "muc_hide_all";
        "muc_meeting_id";
        "muc_domain_mapper";
        "token_verification";
        "muc_wait_for_host";
        "muc_rate_limit";
        "rate_limit";
        "muc_max_occupants";
        "muc_password_whitelist";
        "muc_resource_validate";
    }
    token_verification_allowlist = { "guest.telemed.example.com" }
    token_verification_require_token_for_moderation = true
    anonymous_strict = true
    muc_max_occupants = 6
    muc_access_whitelist = { "focus@auth.telemed.example.com" }
    muc_password_whitelist = { "focus@auth.telemed.example.com" }
    muc_tombstones = false
    muc_room_allow_persistent = false
    muc_room_locking = false
    muc_room_default_public_jids = true

Component "lobby.telemed.example.com" "muc"
    restrict_room_creation = true
    storage = "memory"
    modules_enabled = {
        "anteroom_guard";
        "muc_hide_all";
        "muc_rate_limit";
        "muc_max_occupants";
    }
    muc_max_occupants = 6
    muc_access_whitelist = { "focus@auth.telemed.example.com" }
    muc_tombstones = false
    muc_room_allow_persistent = false
    muc_room_locking = false
    muc_room_default_public_jids = true

-- Where bridges meet the focus. Whoever gets in here is taken for a bridge and is handed the media, so that only
-- accounts of the services may: upstream's Debian template lets every guest in.
Component "internal.auth.telemed.example.com" "muc"
    restrict_room_creation = true
    storage = "memory"
    admins = { "focus@auth.telemed.example.com", "jvb@auth.telemed.example.com" }
    modules_enabled = {
        "anteroom_guard";
        "muc_hide_all";
        "muc_filter_access";
    }
    muc_filter_whitelist = { "auth.telemed.example.com" }
    anteroom_admits = { "auth.telemed.example.com", "focus.telemed.example.com" }
    muc_tombstones = false
    muc_room_allow_persistent = false
    muc_room_locking = false
    muc_room_default_public_jids = true

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
