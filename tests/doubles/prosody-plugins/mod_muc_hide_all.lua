-- Test double of mod_muc_hide_all: rooms are not listed, and only occupants may ask about them. All real.
local jid = require "util.jid";
local util = module:require "util";
module:hook("muc-room-pre-create", function (event) event.room:set_hidden(true); end, -1);
local function ask(event)
	local room = util.get_room_from_jid(jid.bare(event.stanza.attr.to));
	if room and not room:get_occupant_by_real_jid(event.stanza.attr.from) then
		return util.refuse(event, "auth", "forbidden");
	end
end
module:hook("iq-get/bare/http://jabber.org/protocol/disco#info:query", ask, 1);
module:hook("iq-get/host/http://jabber.org/protocol/disco#info:query", ask, 1);
