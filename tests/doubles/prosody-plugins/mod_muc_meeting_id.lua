-- Test double of mod_muc_meeting_id, for the conference MUC.
-- Real: a meeting id in the room's information and configuration form; nobody enters before the focus (they
--       are queued); display names cannot be sent with messages; loads jitsi_permissions.
-- Not:  transcription messages, regions.
local uuid = require "util.uuid";
local util = module:require "util";
module:depends "jitsi_permissions";

module:hook("muc-room-created", function (event)
	event.room._data.meetingId = uuid.generate();
end);

local function field(event)
	table.insert(event.form, { name = "muc#roominfo_meetingId", type = "text-single", label = "The meeting unique id.", value = event.room._data.meetingId or "" });
end
module:hook("muc-disco#info", field);
module:hook("muc-config-form", field, 87);
module:hook("muc-config-submitted/muc#roominfo_meetingId", function (event)
	if util.is_admin(event.actor) then event.room._data.meetingId = event.value; end
	return true;
end, 99);

module:hook("muc-occupant-pre-join", function (event)
	local room = event.room;
	if room._data.jicofo_lock == false or util.is_healthcheck_room(room.jid) then return; end
	if util.is_admin(event.stanza.attr.from) then
		room._data.jicofo_lock = false;
		local queued = room.pre_join_queue or {};
		room.pre_join_queue = nil;
		-- after this join has finished
		module:add_timer(0, function ()
			for _, waiting in ipairs(queued) do
				if waiting.origin.conn then room:handle_normal_presence(waiting.origin, waiting.stanza); end
			end
		end);
		return;
	end
	room._data.jicofo_lock = true;
	room.pre_join_queue = room.pre_join_queue or {};
	if #room.pre_join_queue < 500 then table.insert(room.pre_join_queue, event); end
	return true;
end, 8);

module:hook("muc-occupant-groupchat", function (event)
	event.stanza:remove_children("nick", "http://jabber.org/protocol/nick");
end, 45);
