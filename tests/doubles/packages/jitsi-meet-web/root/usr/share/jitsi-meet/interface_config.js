/* Test double of interface_config.js: the name, the shape, and the other people's sites that the real one leads to. */
var interfaceConfig = {
    APP_NAME: 'Jitsi Meet (TEST DOUBLE)',
    JITSI_WATERMARK_LINK: 'https://jitsi.org',
    MOBILE_APP_PROMO: true,
    MOBILE_DOWNLOAD_LINK_ANDROID: 'https://play.google.com/store/apps/details?id=org.jitsi.meet',
    MOBILE_DOWNLOAD_LINK_F_DROID: 'https://f-droid.org/en/packages/org.jitsi.meet/',
    MOBILE_DOWNLOAD_LINK_IOS: 'https://itunes.apple.com/us/app/jitsi-meet/id1165103905',
    SUPPORT_URL: 'https://community.jitsi.org/'
};
