-- Test double of mod_muc_filter_access: presence from domains outside muc_filter_whitelist is dropped. All
-- real; without the option the module is inactive, as upstream.
local jid = require "util.jid";
local allowed = module:get_option_set("muc_filter_whitelist");
if not allowed then
	module:log("warn", "No 'muc_filter_whitelist' option set, plugin inactive");
	return;
end
local function filter(event)
	local from = event.stanza.attr.from;
	if not from or not allowed:contains(jid.host(from)) then
		module:log("error", "Filtering unauthorized presence of %s", tostring(from));
		return true;
	end
end
for _, kind in ipairs { "host", "bare", "full" } do module:hook("presence/" .. kind, filter, 2000); end
