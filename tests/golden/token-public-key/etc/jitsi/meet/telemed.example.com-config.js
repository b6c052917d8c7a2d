var config = {
  "hosts": {
    "domain": "telemed.example.com",
    "anonymousdomain": "guest.telemed.example.com",
    "muc": "conference.telemed.example.com",
    "focus": "focus.telemed.example.com"
  },
  "bosh": "https://telemed.example.com/http-bind",
  "websocket": "wss://telemed.example.com/xmpp-websocket",
  "noticeMessage": "TEST: no patients",
  "disableThirdPartyRequests": true,
  "gravatar": {
    "disabled": true
  },
  "analytics": {
    "disabled": true,
    "rtcstatsEnabled": false
  },
  "giphy": {
    "enabled": false
  },
  "deploymentUrls": {},
  "legalUrls": {
    "helpCentre": "https://telemed.example.com/",
    "privacy": "https://telemed.example.com/",
    "terms": "https://telemed.example.com/"
  },
  "sharedVideoAllowedURLDomains": [],
  "enableCalendarIntegration": false,
  "deeplinking": {
    "disabled": true
  },
  "p2p": {
    "enabled": false,
    "stunServers": []
  },
  "localRecording": {
    "disable": true
  },
  "recordingService": {
    "enabled": false,
    "sharingEnabled": false
  },
  "screenshotCapture": {
    "enabled": false
  },
  "liveStreaming": {
    "enabled": false
  },
  "transcription": {
    "enabled": false,
    "disableClosedCaptions": true
  },
  "fileSharing": {
    "enabled": false
  },
  "whiteboard": {
    "enabled": false
  },
  "disablePolls": true,
  "faceLandmarks": {
    "enableFaceCentering": false,
    "enableFaceExpressionsDetection": false
  },
  "enableSaveLogs": false,
  "logging": {
    "disableLogCollector": true
  },
  "enableDisplayNameInStats": false,
  "enableEmailInStats": false,
  "feedbackPercentage": 0,
  "doNotStoreRoom": true,
  "welcomePage": {
    "disabled": true
  },
  "prejoinConfig": {
    "enabled": true,
    "preCallTestEnabled": false
  },
  "lobby": {
    "autoKnock": true,
    "enableChat": false
  },
  "requireDisplayName": true,
  "securityUi": {
    "hideLobbyButton": false,
    "disableLobbyPassword": true
  },
  "enableInsecureRoomNameWarning": true,
  "roomPasswordNumberOfDigits": false,
  "disableInviteFunctions": true,
  "remoteVideoMenu": {
    "disableGrantModerator": true
  },
  "hideLoginButton": true,
  "e2ee": {
    "disabled": false
  }
};
// A link may not change these: the page would take `#config.…` and `#interfaceConfig.…` for its own settings.
(function () {
    if (typeof location === 'undefined' || typeof history === 'undefined') {
        return;
    }
    function kept(text) {
        var first = text.charAt(0);
        var parts = text.slice(1).split('&').filter(function (part) {
            return !/^(config|interfaceConfig)([.=]|$)/.test(part);
        });
        return parts.join('') ? first + parts.join('&') : '';
    }
    var search = kept(location.search);
    var hash = kept(location.hash);
    if (search !== location.search || hash !== location.hash) {
        history.replaceState(null, '', location.pathname + search + hash);
    }
})();
