-- Test double of mod_auth_token: ANONYMOUS login that a JSON web token in the request must justify.
-- Real: the token from ?token= or the Authorization header of the BOSH or WebSocket request, verified at
--       login; refusals name the reason; without key configuration nobody gets in.
-- Not:  ban checks and the other hooks of hosted installations.
local util = module:require "util";
module:depends "jitsi_session";
util.register_anonymous();
local verifier = module:require "token/util".new(module);
local provider = util.accountless_provider();

local function begin(event)
	local session, request = event.session, event.request;
	local header = request.headers.authorization;
	session.auth_token = util.query(request).token or header and header:match("^[Bb]earer%s+(%S+)");
end

module:hook_global("bosh-session", begin);
module:hook_global("websocket-session", begin);

function provider.get_sasl_handler(session)
	return require "util.sasl".new(module.host, { anonymous = function (self, name)
		if not verifier then return false, "temporary-auth-failure", "no key is configured"; end
		local ok, condition, text = verifier:process_and_verify_token(session);
		if not ok then
			module:log("warn", "token refused: %s", tostring(text));
			session.auth_token = nil;
			return false, condition, text;
		end
		self.username = util.resumed_username(session) or name;
		return true;
	end });
end

module:provides("auth", provider);
