-- Test double of mod_roster_command: `prosodyctl mod_roster_command subscribe WHO CONTACT`.
-- Real: subscribe and subscribe_both, in the stored rosters. Not: unsubscribe, rename, remove.
if module.host ~= "*" then
	module:log("error", "this is a prosodyctl command, not a module to load");
	return;
end
prosody.bare_sessions = prosody.bare_sessions or {};
_G.bare_sessions = _G.bare_sessions or prosody.bare_sessions;
local jid = require "util.jid";
local roster = require "core.rostermanager";
local storage = require "core.storagemanager";
local users = require "core.usermanager";

local function ready(host)
	if not prosody.hosts[host] then return false; end
	if prosody.hosts[host].users.name == "null" then
		storage.initialize_host(host);
		users.initialize_host(host);
	end
	return true;
end

-- WHO sees CONTACT when it is online. A component has no roster, so only one side may have one.
local function subscribe(who, contact)
	local user, host = jid.split(who);
	local other, other_host = jid.split(contact);
	if not ready(host) then
		print("The host '" .. tostring(host) .. "' is not configured for this server.");
		return 1;
	end
	if user then roster.set_contact_pending_out(user, host, contact); end
	if ready(other_host) and other then
		roster.set_contact_pending_in(other, other_host, who);
		roster.subscribed(other, other_host, who);
		if user then roster.process_inbound_subscription_approval(user, host, contact); end
	end
	return 0;
end

function module.command(arg)
	local command, who, contact = arg[1], jid.prep(arg[2]), jid.prep(arg[3]);
	if not who or not contact or command ~= "subscribe" and command ~= "subscribe_both" then
		print("usage: prosodyctl mod_roster_command subscribe|subscribe_both WHO CONTACT");
		return 1;
	end
	local status = subscribe(who, contact);
	return status == 0 and command == "subscribe_both" and subscribe(contact, who) or status;
end
