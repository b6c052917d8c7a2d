// What a script finds besides the language itself: the address of the visit, a console, and nothing else of a browser.
// Whatever else it asks for is told to `miss`, and answered as not there.
(function (miss, moved, visit) {
    'use strict';
    const usual = Object.prototype;
    const settings = new Set(['config', 'interfaceConfig']);
    const ask = function (prefix) {
        return {
            get: function (target, key) {
                if (key in target) {
                    return target[key];
                }
                if (typeof key === 'symbol' || key in usual) {
                    return usual[key];
                }
                if (prefix || !settings.has(key)) {
                    miss(prefix + key);
                }
                return undefined;
            },
            has: function (target, key) {
                if (key in target || typeof key === 'symbol' || key in usual) {
                    return true;
                }
                if (prefix || !settings.has(key)) {
                    miss(prefix + key);
                }
                return false;
            }
        };
    };
    const home = 'https://' + visit.host;
    let path = visit.path;
    let search = visit.search;
    let hash = visit.hash;
    const go = function (to) {
        let rest = String(to);
        if (rest.startsWith(home)) {
            rest = rest.slice(home.length) || '/';
        }
        const at = rest.indexOf('#');
        const fragment = at < 0 ? '' : rest.slice(at);
        rest = at < 0 ? rest : rest.slice(0, at);
        if (rest === '' && at >= 0) {
            hash = fragment === '#' ? '' : fragment;
        } else if (rest.startsWith('?') || (rest.startsWith('/') && !rest.startsWith('//'))) {
            const mark = rest.indexOf('?');
            path = mark === 0 ? path : mark < 0 ? rest : rest.slice(0, mark);
            search = mark < 0 || rest.length === mark + 1 ? '' : rest.slice(mark);
            hash = fragment === '#' ? '' : fragment;
        } else {
            miss('a visit to ' + String(to).slice(0, 80));
        }
        moved(search + hash);
    };
    const location = {
        protocol: 'https:',
        host: visit.host,
        hostname: visit.host,
        port: '',
        origin: home,
        get pathname() { return path; },
        get search() { return search; },
        set search(to) { miss('a reload'); },
        get hash() { return hash; },
        set hash(to) { go('#' + String(to).replace(/^#/, '')); },
        get href() { return home + path + search + hash; },
        set href(to) { miss('a visit to ' + String(to).slice(0, 80)); },
        assign: go,
        replace: go,
        toString: function () { return home + path + search + hash; }
    };
    const history = {
        replaceState: function (state, title, to) { if (to !== undefined && to !== null) { go(to); } },
        pushState: function (state, title, to) { if (to !== undefined && to !== null) { go(to); } }
    };
    const quiet = function () {};
    const define = function (name, value) {
        Object.defineProperty(globalThis, name, { value: value, writable: false, configurable: false, enumerable: false });
    };
    define('window', globalThis);
    define('self', globalThis);
    define('location', new Proxy(location, ask('location.')));
    define('history', new Proxy(history, ask('history.')));
    define('console', { log: quiet, info: quiet, warn: quiet, error: quiet, debug: quiet });
    Math.random = function () { miss('Math.random'); return 0.5; };
    Object.setPrototypeOf(globalThis, new Proxy(Object.create(null), ask('')));
})
