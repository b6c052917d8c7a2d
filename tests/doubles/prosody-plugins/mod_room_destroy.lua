-- Test double of mod_room_destroy: destroys a room on request, unless another module objects. All real.
module:hook_global("maybe-destroy-room", function (event)
	module:log("info", "Destroying room %s (requested by %s)", event.room.jid, tostring(event.caller));
	event.room:set_persistent(false);
	event.room:destroy(nil, event.reason);
end, -1);
