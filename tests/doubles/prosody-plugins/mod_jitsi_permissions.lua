-- Test double of mod_jitsi_permissions: tells a moderator what it may do, in its own presence.
-- Real: jitsi_default_permissions, or the token's context.features when there are some.
-- Not:  handing features on when a moderator makes another one.
local filters = require "util.filters";
local jid = require "util.jid";
local util = module:require "util";
local base = module:get_option_string("muc_mapper_domain_base");
if not base or module.host ~= module:get_option_string("muc_mapper_domain_prefix", "conference") .. "." .. base then return; end

local defaults = module:get_option("jitsi_default_permissions", {
	livestreaming = true, recording = true, transcription = true, ["outbound-call"] = true,
	["create-polls"] = true, ["send-groupchat"] = true, flip = true,
});

local function filter(stanza, session)
	if stanza.name ~= "presence" or stanza.attr.type or not stanza.attr.from or jid.host(stanza.attr.from) ~= module.host then return stanza; end
	local x = stanza:get_child("x", util.MUC_USER);
	local item = x and x:get_child("item");
	if not item or item.attr.role ~= "moderator" or not util.presence_check_status(x, "110") or util.is_admin(stanza.attr.to) then return stanza; end
	if session.auth_token and session.jitsi_meet_context_features then return stanza; end
	session.jitsi_meet_context_features = session.jitsi_meet_context_features or defaults;
	stanza:tag("permissions", { xmlns = util.NS });
	for name, value in pairs(session.jitsi_meet_context_features) do stanza:tag("p", { name = name, val = tostring(value) }):up(); end
	return stanza:up();
end

local function filter_session(session)
	filters.add_filter(session, "stanzas/out", filter, -2);
end
filters.add_filter_hook(filter_session);
function module.unload()
	filters.remove_filter_hook(filter_session);
end
