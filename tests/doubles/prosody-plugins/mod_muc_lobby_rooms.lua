-- Test double of mod_muc_lobby_rooms, for the main virtual host: knocking at members-only rooms.
-- Real: the lobby room lives as long as its room is members-only; joins of strangers answer
--       registration-required with the lobby's address; who waits sees nobody but moderators; of answers to
--       questions, only those about the lobby's features leave it; moderators of
--       the room are moderators of its lobby; admission by invitation, refusal by kick, both announced;
--       bypass by muc_lobby_whitelist or room password; display name demanded.
-- Not:  the advertised feature per web-query room, several administrative items in one request, metadata.
local filters = require "util.filters";
local jid = require "util.jid";
local json = require "util.json";
local st = require "util.stanza";
local util = module:require "util";
module:depends "jitsi_session";

local main_host = module:get_option_string("main_muc");
local lobby_host = module:get_option_string("lobby_muc");
if not main_host or not lobby_host then
	module:log("error", "lobby not enabled: main_muc and lobby_muc must be set");
	return;
end

local bypass = module:get_option_set("muc_lobby_whitelist", {});
local main_muc, lobby_muc;

local function notify(room, from, text)
	local occupant = room and room:get_occupant_by_real_jid(from);
	if not occupant then return; end
	text.type = "lobby-notify";
	room:broadcast_message(st.message({ type = "groupchat", from = occupant.nick })
		:text_tag("json-message", json.encode(text), { xmlns = util.NS }));
end

local function configuration_changed(room)
	room:broadcast_message(st.message({ type = "groupchat", from = room.jid })
		:tag("x", { xmlns = util.MUC_USER }):tag("status", { code = "104" }));
end

local function open_lobby(room)
	local address = jid.join(jid.node(room.jid), lobby_host);
	if not lobby_muc or lobby_muc.get_room_from_jid(address) then return false; end
	local lobby = lobby_muc.create_room(address);
	lobby:set_persistent(true);
	lobby.main_room_jid = room.jid;
	-- whoever moderates the room moderates its lobby
	function lobby.get_affiliation(_, who)
		local main = util.get_room_from_jid(room.jid);
		return main and main:get_affiliation(who) or "none";
	end
	room._data.lobbyroom = address;
	room:save(true);
	module:log("info", "lobby %s opened", address);
	return true;
end

local function close_lobby(room, newjid, message)
	local address = room._data.lobbyroom;
	room._data.lobbyroom = nil;
	room._data.lobby_extra_reason = nil;
	room._data.lobby_skip_display_name_check = nil;
	local lobby = address and lobby_muc and lobby_muc.get_room_from_jid(address);
	if not lobby then return; end
	lobby:set_persistent(false);
	lobby:destroy(newjid, message or "Lobby room closed.");
	module:log("info", "lobby %s closed", address);
end

module:hook_global("create-lobby-room", function (event)
	local room = event.room;
	for _, occupant in room:each_occupant() do
		local affiliation = room:get_affiliation(occupant.bare_jid) or "none";
		if affiliation == "none" then room:set_affiliation(true, occupant.bare_jid, "member"); end
	end
	room:set_members_only(true);
	room._data.lobby_extra_reason = event.reason;
	room._data.lobby_skip_display_name_check = event.skip_display_name_check;
	configuration_changed(room);
	open_lobby(room);
end);

module:hook_global("destroy-lobby-room", function (event)
	close_lobby(event.room, event.newjid, event.message);
	configuration_changed(event.room);
end);

-- What may leave the lobby towards a session.
local function filter(stanza)
	local from = stanza.attr and stanza.attr.from;
	if not from or jid.host(from) ~= lobby_host then return stanza; end
	local lobby = lobby_muc and lobby_muc.get_room_from_jid(jid.bare(from));
	if stanza.name == "iq" then return stanza:get_child("query", "http://jabber.org/protocol/disco#info") and stanza or nil; end
	local to = stanza.attr.to;
	if stanza.name == "presence" then
		local x = stanza:get_child("x", util.MUC_USER);
		if not x or stanza.attr.type == "error" or util.presence_check_status(x, "110") or not lobby or stanza.attr.type == "unavailable" then return stanza; end
		local item = x:get_child("item");
		local waiting = item and item.attr.jid and lobby:get_affiliation(jid.bare(item.attr.jid)) ~= "owner";
		return lobby:get_affiliation(jid.bare(to)) == "owner" and waiting and stanza or nil;
	end
	if not lobby then return stanza.attr.type == "error" and stanza or nil; end
	local occupant = lobby:get_occupant_by_nick(from);
	local by_moderator = occupant and lobby:get_affiliation(occupant.bare_jid) == "owner";
	if by_moderator or occupant and lobby:get_affiliation(jid.bare(to)) == "owner" then return stanza; end
	return nil;
end

local function filter_session(session)
	filters.add_filter(session, "stanzas/out", filter, -1);
end

function module.unload()
	filters.remove_filter_hook(filter_session);
end

util.with_muc(lobby_host, function (muc, context)
	lobby_muc = muc;
	filters.add_filter_hook(filter_session);
	module:add_identity("component", "lobbyrooms", lobby_host);
	context:hook("muc-broadcast-presence", function (event)
		if event.x and util.presence_check_status(event.x, "307") and event.room.main_room_jid then
			notify(util.get_room_from_jid(event.room.main_room_jid), event.actor, { event = "LOBBY-ACCESS-DENIED", value = event.occupant.nick });
		end
	end);
end);

util.with_muc(main_host, function (muc, context)
	main_muc = muc;

	context:hook("muc-config-submitted", function (event)
		local room, actor = event.room, event.actor;
		if jid.node(actor) == "focus" then return; end
		if event.fields["muc#roomconfig_membersonly"] then
			if open_lobby(room) then
				event.status_codes["104"] = true;
				notify(room, actor, { event = "LOBBY-ENABLED", value = true });
			end
		elseif room._data.lobbyroom then
			close_lobby(room, room.jid);
			notify(room, actor, { event = "LOBBY-ENABLED", value = false });
		end
	end);

	context:hook("muc-room-destroyed", function (event)
		if event.room._data.lobbyroom then close_lobby(event.room); end
	end, 1);

	context:hook("muc-disco#info", function (event)
		local room = event.room;
		if room._data.lobbyroom and room:get_members_only() then
			table.insert(event.form, { name = "muc#roominfo_lobbyroom", label = "Lobby room jid", value = "" });
			event.formdata["muc#roominfo_lobbyroom"] = room._data.lobbyroom;
		end
	end);

	context:hook("muc-occupant-pre-join", function (event)
		local room, stanza, occupant = event.room, event.stanza, event.occupant;
		local join = stanza:get_child("x", util.MUC);
		if util.is_healthcheck_room(room.jid) or not room:get_members_only() or util.is_admin(stanza.attr.from) or not join then return; end
		local from = jid.bare(stanza.attr.from);
		local password = join:get_child_text("password", util.MUC);
		local invited = bypass:contains(from) or bypass:contains(jid.host(from));
		if invited or password and room:get_password() and password == room:get_password() then
			if (room:get_affiliation(from) or "none") == "none" then
				occupant.role = "participant";
				room:set_affiliation(true, from, "member");
				room:save_occupant(occupant);
			end
			return;
		end
		local name = stanza:get_child_text("nick", "http://jabber.org/protocol/nick");
		if (not name or name == "") and not room._data.lobby_skip_display_name_check then
			local reply = st.error_reply(stanza, "modify", "not-acceptable");
			reply.tags[1].attr.code = "406";
			event.origin.send(reply:tag("displayname-required", { xmlns = util.NS, lobby = "true" }):up():up():tag("x", { xmlns = util.MUC }));
			return true;
		end
		if (room:get_affiliation(from) or "none") == "none" then
			local reply = st.error_reply(stanza, "auth", "registration-required");
			reply.tags[1].attr.code = "407";
			if room._data.lobby_extra_reason then reply:tag(room._data.lobby_extra_reason, { xmlns = util.NS }):up(); end
			reply:tag("lobbyroom", { xmlns = util.NS }):text(room._data.lobbyroom):up():up();
			reply:tag("lobbyroom"):text(room._data.lobbyroom):up();
			event.origin.send(reply:tag("x", { xmlns = util.MUC }));
			return true;
		end
	end, -4);

	context:hook("muc-invite", function (event)
		local room, stanza = event.room, event.stanza;
		local lobby = room._data.lobbyroom and lobby_muc and lobby_muc.get_room_from_jid(room._data.lobbyroom);
		local waiting = lobby and lobby:get_occupant_by_real_jid(stanza.attr.to);
		local invite = stanza:find("{" .. util.MUC_USER .. "}x/invite");
		if waiting and invite then
			notify(room, invite.attr.from, { event = "LOBBY-ACCESS-GRANTED", value = waiting.nick });
		end
	end);
end);
