/* Test double of interface_config.js: the name and the shape, a few harmless values. */
var interfaceConfig = {
    APP_NAME: 'Jitsi Meet (TEST DOUBLE)',
    SHOW_JITSI_WATERMARK: false,
    MOBILE_APP_PROMO: false
};
