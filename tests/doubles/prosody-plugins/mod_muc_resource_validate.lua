-- Test double of mod_muc_resource_validate: nicknames are endpoint ids and never change. All real:
-- letters, digits and _ only; with anonymous_strict the first eight characters of the account's UUID.
local jid = require "util.jid";
local util = module:require "util";
local strict = module:get_option_boolean("anonymous_strict", false);
local anonymous = module:get_option_set("anonymous_auth_methods", { "anonymous", "jitsi-anonymous", "token" });

module:hook("muc-occupant-pre-join", function (event)
	local user, host = jid.split(event.stanza.attr.from);
	local nick = jid.resource(event.stanza.attr.to);
	if util.is_healthcheck_room(event.room.jid) or not user then return; end
	if not nick or not nick:match("^%w[%w_]*$") then
		return util.refuse(event, "cancel", "not-allowed", "Invalid resource");
	end
	local provider = prosody.hosts[host] and prosody.hosts[host].users;
	if strict and provider and anonymous:contains(provider.name) and nick ~= user:sub(1, 8) then
		return util.refuse(event, "cancel", "not-allowed", "Invalid anonymous user ID");
	end
end, 11);

module:hook("muc-occupant-pre-change", function (event)
	if event.orig_occupant and event.orig_occupant.nick ~= event.stanza.attr.to then
		return util.refuse(event, "cancel", "not-allowed", "Nick changes are not allowed");
	end
end, 11);
