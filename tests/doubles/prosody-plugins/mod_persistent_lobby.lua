-- Test double of mod_persistent_lobby, for the main virtual host: a lobby outlives its empty room.
-- Real: create-persistent-lobby-room; the room is destroyed when it and its lobby are both empty; other
--       modules cannot destroy it while somebody waits.
local util = module:require "util";
module:depends "room_destroy";
local main_host = module:get_option_string("main_muc");
local lobby_host = module:get_option_string("lobby_muc");
if not main_host or not lobby_host then
	module:log("error", "main_muc and lobby_muc must be set");
	return;
end

local lobby_muc;

local function lobby_of(room)
	return room._data.lobbyroom and lobby_muc and lobby_muc.get_room_from_jid(room._data.lobbyroom);
end

local function destroy_if_empty(room)
	local lobby = lobby_of(room);
	if room._data.persist_lobby and not room.destroying and not room:has_occupant() and not (lobby and lobby:has_occupant()) then
		prosody.events.fire_event("maybe-destroy-room", { room = room, reason = "main room and lobby now empty", caller = module.name });
	end
end

util.with_muc(main_host, function (_, context)
	context:hook("muc-occupant-left", function (event) destroy_if_empty(event.room); end);
end);

util.with_muc(lobby_host, function (muc, context)
	lobby_muc = muc;
	context:hook("muc-occupant-left", function (event)
		local main = event.room.main_room_jid and util.get_room_from_jid(event.room.main_room_jid);
		if main and not event.room:has_occupant() then destroy_if_empty(main); end
	end);
end);

module:hook_global("create-persistent-lobby-room", function (event)
	prosody.events.fire_event("create-lobby-room", event);
	event.room._data.persist_lobby = true;
	event.room:set_persistent(true);
end);

module:hook_global("maybe-destroy-room", function (event)
	local lobby = lobby_of(event.room);
	if event.caller ~= module.name and event.room._data.persist_lobby and lobby and lobby:has_occupant() then return true; end
end);
