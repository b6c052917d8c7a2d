-- Test double of mod_muc_domain_mapper, which maps room@conference.TENANT.site to [TENANT]room@conference.site.
-- Real: nothing; addresses without a tenant map to themselves, and tenants are not doubled.
if not module:get_option_string("muc_mapper_domain_base") then
	module:log("warn", "No 'muc_mapper_domain_base' option set, plugin inactive");
end
