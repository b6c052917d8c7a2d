var interfaceConfig = {
  "BRAND_WATERMARK_LINK": "",
  "JITSI_WATERMARK_LINK": "",
  "LIVE_STREAMING_HELP_LINK": "",
  "MOBILE_DOWNLOAD_LINK_ANDROID": "",
  "MOBILE_DOWNLOAD_LINK_F_DROID": "",
  "MOBILE_DOWNLOAD_LINK_IOS": "",
  "SHOW_CHROME_EXTENSION_BANNER": false,
  "SHOW_PROMOTIONAL_CLOSE_PAGE": false,
  "SUPPORT_URL": "",
  "SETTINGS_SECTIONS": [
    "devices",
    "language",
    "moderator",
    "profile",
    "sounds",
    "more"
  ],
  "RECENT_LIST_ENABLED": false,
  "ENABLE_DIAL_OUT": false
};
// What the page is to look like, as the package has it: this file stands in for the package's, and the page expects
// these to be set.
interfaceConfig.APP_NAME = 'Jitsi Meet';
interfaceConfig.AUDIO_LEVEL_PRIMARY_COLOR = 'rgba(255,255,255,0.4)';
interfaceConfig.AUDIO_LEVEL_SECONDARY_COLOR = 'rgba(255,255,255,0.2)';
interfaceConfig.AUTO_PIN_LATEST_SCREEN_SHARE = 'remote-only';
interfaceConfig.CLOSE_PAGE_GUEST_HINT = false;
interfaceConfig.DEFAULT_BACKGROUND = '#040404';
interfaceConfig.DEFAULT_WELCOME_PAGE_LOGO_URL = 'images/watermark.svg';
interfaceConfig.FILM_STRIP_MAX_HEIGHT = 120;
interfaceConfig.LANG_DETECTION = true;
interfaceConfig.LOCAL_THUMBNAIL_RATIO = 16 / 9;
interfaceConfig.MAXIMUM_ZOOMING_COEFFICIENT = 1.3;
interfaceConfig.NATIVE_APP_NAME = 'Jitsi Meet';
interfaceConfig.OPTIMAL_BROWSERS = ['chrome', 'chromium', 'firefox', 'nwjs', 'electron', 'safari'];
interfaceConfig.POLICY_LOGO = null;
interfaceConfig.PROVIDER_NAME = 'Jitsi';
interfaceConfig.REMOTE_THUMBNAIL_RATIO = 1;
interfaceConfig.SHOW_JITSI_WATERMARK = true;
interfaceConfig.UNSUPPORTED_BROWSERS = [];
interfaceConfig.VERTICAL_FILMSTRIP = true;
interfaceConfig.VIDEO_LAYOUT_FIT = 'both';
