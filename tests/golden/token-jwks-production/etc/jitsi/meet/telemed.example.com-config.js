var config = {
  "hosts": {
    "domain": "telemed.example.com",
    "anonymousdomain": "guest.telemed.example.com",
    "muc": "conference.telemed.example.com",
    "focus": "focus.telemed.example.com"
  },
  "bosh": "https://telemed.example.com/http-bind",
  "websocket": "wss://telemed.example.com/xmpp-websocket",
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
  "legalUrls": {},
  "sharedVideoAllowedURLDomains": [],
  "enableCalendarIntegration": false,
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
  "screenshotCapture": {
    "enabled": false
  },
  "faceLandmarks": {
    "enableFaceCentering": false,
    "enableFaceExpressionsDetection": false
  },
  "disablePolls": true,
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
  "securityUi": {
    "hideLobbyButton": false,
    "disableLobbyPassword": true
  },
  "enableInsecureRoomNameWarning": true,
  "roomPasswordNumberOfDigits": false,
  "requireDisplayName": true,
  "disableInviteFunctions": true,
  "remoteVideoMenu": {
    "disableGrantModerator": true
  },
  "e2ee": {
    "disabled": false
  }
};
