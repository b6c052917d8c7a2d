/* Test double of pwa-worker.js: caches nothing. */
self.addEventListener("fetch", function () {});
