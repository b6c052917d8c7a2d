-- Test double of mod_auth_jitsi-anonymous: everybody may log in, under a UUID chosen by the server.
-- Real: all of it, with resumption by ?previd=.
local util = module:require "util";
module:depends "jitsi_session";
util.register_anonymous();
local provider = util.accountless_provider();

function provider.get_sasl_handler(session)
	return require "util.sasl".new(module.host, { anonymous = function (self, name)
		self.username = util.resumed_username(session) or name;
		return true;
	end });
end

module:provides("auth", provider);
