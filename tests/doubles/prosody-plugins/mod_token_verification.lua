-- Test double of mod_token_verification, for the conference MUC: a token opens the room it names, no other.
-- Real: checked before a room is made and before every join; administrators (the focus) and the allow list
--       are exempt; token_verification_require_token_for_moderation; a refused token is written to the log, whole.
local jid = require "util.jid";
local util = module:require "util";
local parent = module.host:match("^[^.]+%.(.+)$");
local verifier = parent and module:require "token/util".new(module:context(parent));
if not verifier then
	module:log("error", "no token configuration on %s: inactive", tostring(parent));
	return;
end

local exempt, strict;
local function load_config()
	exempt = module:get_option_set("token_verification_allowlist", {});
	strict = module:get_option_boolean("token_verification_require_token_for_moderation", false);
end
load_config();
module:hook_global("config-reloaded", load_config);

local function check(event)
	local from, to = event.stanza.attr.from, event.stanza.attr.to;
	if util.is_admin(from) or exempt:contains(jid.host(from)) or exempt:contains(jid.bare(from)) then return; end
	local ok, condition, text = verifier:verify_room(event.origin, to);
	if ok then return; end
	module:log("error", "token %s of %s may not enter %s: %s", tostring(event.origin.auth_token), from, jid.bare(to), text or condition or "mismatched");
	return util.refuse(event, "cancel", "not-allowed", text or condition or "Room and token mismatched");
end

module:hook("muc-room-pre-create", check, 99);
module:hook("muc-occupant-pre-join", check, 99);

local function moderation(event)
	if not strict or util.is_admin(event.stanza.attr.from) then return; end
	if event.origin.auth_token and event.origin.jitsi_meet_room then return; end
	return util.refuse(event, "cancel", "not-allowed", "Room modification disabled for guests");
end

module:hook("iq-set/bare/http://jabber.org/protocol/muc#owner:query", moderation, -1);
module:hook("iq-set/host/http://jabber.org/protocol/muc#owner:query", moderation, -1);
