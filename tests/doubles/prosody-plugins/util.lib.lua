-- Test double of the library that the Jitsi Prosody modules share.
-- Real: administrators, rooms by address, waiting for hosts and their MUC, the ANONYMOUS mechanism with
--       UUID names and resumption, query parameters.
-- Not:  multi-tenant addresses ([tenant]room); the rewriting functions are the identity.
local jid = require "util.jid";
local http = require "util.http";
local sasl = require "util.sasl";
local uuid = require "util.uuid";
local st = require "util.stanza";

local util = {};

util.NS = "http://jitsi.org/jitmeet";
util.MUC = "http://jabber.org/protocol/muc";
util.MUC_USER = "http://jabber.org/protocol/muc#user";

local admins = module:get_option_inherited_set("admins", {}) / jid.prep;

function util.is_admin(address)
	return admins:contains(jid.bare(address));
end

function util.starts_with(text, beginning)
	return text:sub(1, #beginning) == beginning;
end

function util.ends_with(text, ending)
	return ending == "" or text:sub(-#ending) == ending;
end

function util.get_room_from_jid(address)
	local host = prosody.hosts[jid.host(address)];
	local muc = host and host.modules.muc;
	return muc and muc.get_room_from_jid(jid.bare(address));
end

function util.is_healthcheck_room(address)
	return util.starts_with(address, "__jicofo-health-check");
end

function util.is_moderated()
	return false;
end

function util.is_transcriber(address)
	return util.starts_with(address, "transcriber@recorder.");
end

function util.extract_subdomain()
	return nil, nil, nil;
end

function util.room_jid_match_rewrite(address)
	return address;
end

function util.internal_room_jid_match_rewrite(address)
	return address;
end

function util.presence_check_status(x, code)
	for status in x:childtags("status") do
		if status.attr.code == code then return true; end
	end
	return false;
end

--- Calls back with the module context of a host, now or when the host appears.
function util.process_host_module(name, callback)
	if prosody.hosts[name] then
		callback(module:context(name), name);
		return;
	end
	module:log("debug", "waiting for host %s", name);
	local function activated(host)
		if host == name then
			prosody.events.remove_handler("host-activated", activated);
			callback(module:context(name), name);
		end
	end
	prosody.events.add_handler("host-activated", activated);
end

--- Calls back with the MUC service of a host and its module context, now or when both are there.
function util.with_muc(name, callback)
	util.process_host_module(name, function (context)
		local host = prosody.hosts[name];
		if host.modules.muc then
			callback(host.modules.muc, context);
			return;
		end
		host.events.add_handler("module-loaded", function (event)
			if event.module == "muc" then callback(host.modules.muc, context); end
		end);
	end);
end

function util.query(request)
	return request.url and request.url.query and http.formdecode(request.url.query) or {};
end

function util.refuse(event, type, condition, text)
	event.origin.send(st.error_reply(event.stanza, type, condition, text));
	return true;
end

-- Prosody's own ANONYMOUS loops until the profile accepts a name; here the profile may refuse for good,
-- and names are UUIDs, whose first eight characters become the endpoint id in a call.
function util.register_anonymous()
	sasl.registerMechanism("ANONYMOUS", { "anonymous" }, function (self)
		local name = uuid.generate();
		local ok, condition, text = self.profile.anonymous(self, name, self.realm);
		if not ok then return "failure", condition or "not-authorized", text; end
		self.username = self.username or name;
		return "success";
	end);
end

--- The name a session gives back when it resumes: only its own, on its own host.
function util.resumed_username(session)
	if not session.previd then return nil; end
	for _, other in pairs(prosody.full_sessions) do
		if other.resumption_token == session.previd and other.host == session.host then return other.username; end
	end
end

--- An authentication provider that knows no accounts at all.
function util.accountless_provider()
	local function no() return nil, "no accounts on this host"; end
	return { test_password = no, get_password = no, set_password = no, user_exists = no, create_user = no, delete_user = no };
end

--- Modules that are only there so that configurations load.
function util.no_op()
	module:log("info", "TEST DOUBLE no-op: mod_%s does nothing", module.name);
end

return util;
