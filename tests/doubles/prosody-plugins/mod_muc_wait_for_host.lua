-- Test double of mod_muc_wait_for_host, for the conference MUC: nobody but the focus enters before a host.
-- Real: a host is a session with a verified token, or an account of the base domain; others turn the lobby
--       on and end there; the first host makes the room open again and dissolves the lobby, which lets
--       everybody in; hosts become owners unless wait_for_host_disable_auto_owners; a room that has had its
--       host stays open for its lifetime.
-- Not:  moderated subdomains.
local jid = require "util.jid";
local util = module:require "util";
local audit = require "util.logger".make_logger("mod_" .. module.name, "audit");
local base = module:get_option_string("muc_mapper_domain_base");
if not base then
	module:log("warn", "No 'muc_mapper_domain_base' option set, disabling module");
	return;
end

local function is_host(event)
	local session = event.session;
	return session.auth_token ~= nil or session.username ~= nil and jid.host(event.occupant.bare_jid) == base;
end

module:hook("room_has_host", function (event)
	if is_host(event) then return true; end
end);

if not module:get_option_boolean("wait_for_host_disable_auto_owners", false) then
	module:hook("muc-occupant-joined", function (event)
		local room, occupant, session = event.room, event.occupant, event.origin;
		if session and is_host { session = session, occupant = occupant } then
			room:set_affiliation(true, occupant.bare_jid, "owner");
		end
	end, 2);
end

module:hook("muc-occupant-pre-join", function (event)
	local room, occupant, session = event.room, event.occupant, event.origin;
	if util.is_admin(occupant.bare_jid) or util.is_healthcheck_room(room.jid) or room.has_host then return; end
	for _, present in room:each_occupant() do
		if jid.host(present.bare_jid) == base then room.has_host = true; end
	end
	if room.has_host then return; end
	if module:fire_event("room_has_host", { room = room, occupant = occupant, session = session }) then
		room.has_host = true;
		room:set_members_only(false);
		room:set_persistent(false);
		-- the occupant was prepared while the room was closed, without a role
		occupant.role = room:get_default_role(room:get_affiliation(occupant.bare_jid)) or "participant";
		module:log("info", "Host %s arrived in %s.", occupant.bare_jid, room.jid);
		audit("room_jid:%s created_by:%s", room.jid, session.jitsi_meet_context_user and session.jitsi_meet_context_user.id or "nil");
		prosody.events.fire_event("destroy-lobby-room", { room = room, newjid = room.jid, message = "Host arrived." });
	elseif not room:get_members_only() then
		module:log("info", "Will wait for host in %s.", room.jid);
		prosody.events.fire_event("create-persistent-lobby-room", { room = room, reason = "waiting-for-host", skip_display_name_check = true });
	end
end);
