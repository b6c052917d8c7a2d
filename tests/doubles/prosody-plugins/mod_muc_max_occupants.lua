-- Test double of mod_muc_max_occupants: a full room answers service-unavailable; muc_access_whitelist does
-- not count and is never refused. All real.
local jid = require "util.jid";
local util = module:require "util";
local uncounted = module:get_option_set("muc_access_whitelist", {});
local limit = module:get_option_number("muc_max_occupants", -1);
if limit <= 0 then return; end
local function counts(address)
	return not uncounted:contains(jid.bare(address)) and not uncounted:contains(jid.host(address));
end
module:hook("muc-occupant-pre-join", function (event)
	local room, from = event.room, event.stanza.attr.from;
	if util.is_healthcheck_room(room.jid) or not counts(from) or room:get_occupant_by_real_jid(from) then return; end
	local taken = 0;
	for _, occupant in room:each_occupant() do
		if counts(occupant.bare_jid) then taken = taken + 1; end
	end
	if taken >= (room._data.max_occupants or limit) then
		module:log("info", "%s is full", room.jid);
		return util.refuse(event, "cancel", "service-unavailable");
	end
end, 10);
