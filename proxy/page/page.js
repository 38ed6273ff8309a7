(() => {
  'use strict';
  const T = {{live}};
  const doc = document, data = doc.body.dataset, $ = id => doc.getElementById(id);
  let state = data.state, shown = +data.seen, place = data.place;
  const outside = !place && state !== 'prequeue';
  let fails = 0, busy = false, over = false, timer, due = Infinity, said = 0, spoken = '';

  // Words, as the server says them: the same keys and rules as in text.go.
  const group = n => String(n).replace(/\B(?=(\d{3})+$)/g, T.group);
  const fill = (s, v) => s.replace(/\{(\w+)\}/g, (m, k) => k in v ? v[k] : m);
  const plural = (p, n) => n === 1 && p.one || p.other;
  const count = (p, n) => fill(plural(p, n), {n: group(n)});
  const pair = (a, p, b, q) => b ? count(p, a) + ' ' + count(q, b) : count(p, a);
  const duration = s => {
    s = Math.max(0, Math.round(s));
    if (s < 60) return count(T.s, s);
    const m = Math.round(s / 60);
    if (m < 60) return count(T.min, m);
    if (m < 1440) return pair(Math.floor(m / 60), T.h, m % 60, T.min);
    const h = Math.round(s / 3600);
    return pair(Math.floor(h / 24), T.d, h % 24, T.h);
  };
  const wait = e => {
    if (!e) return [T.unknown, ''];
    if (e.at_least) return [fill(T.least, {d: duration(e.low || e.seconds)}), ''];
    const lo = e.high ? e.low || 0 : e.seconds, hi = Math.max(e.high || e.seconds, lo);
    if (hi > 3600) {
      const a = duration(lo), b = duration(hi);
      return [fill(T.about, {d: duration(e.seconds)}), a === b ? '' : fill(T.between, {a, b})];
    }
    const a = Math.floor(lo / 60), b = Math.ceil(hi / 60);
    if (a === 0) return [fill(T.under, {d: count(T.min, Math.max(b, 1))}), ''];
    if (a === b) return [fill(T.about, {d: count(T.min, a)}), ''];
    return [fill(T.min.other, {n: a + T.dash + b}), ''];
  };
  const rate = r => r * 60 >= 1 ? count(T.rate_min, Math.round(r * 60)) : count(T.rate_hour, Math.max(1, Math.round(r * 3600)));
  const clock = iso => {
    const t = new Date(iso), today = t.toDateString() === new Date().toDateString();
    return t.toLocaleString(doc.documentElement.lang, today ? {timeStyle: 'short'} : {month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit'});
  };

  const set = (id, text) => { const e = $(id); if (e.textContent !== text) e.textContent = text };
  const hide = (id, yes) => { $(id).hidden = !!yes };
  const opt = (id, box, text) => { set(id, text || ''); hide(box, !text) };

  // The status region speaks at a change of state, else once in 30 s at most.
  const say = (text, now) => {
    if (text === spoken || !now && Date.now() - said < 3e4) return;
    spoken = text;
    said = Date.now();
    set('say', text);
  };

  // What this browser saw survives a reload; a browser may refuse to keep it.
  const keep = (k, v) => {
    try {
      k = 'dealgate:' + data.room + ':' + k;
      return v === undefined ? sessionStorage.getItem(k) : sessionStorage.setItem(k, v);
    } catch (e) { return null }
  };
  const lowest = n => {
    const [p, low, at] = (keep('seen') || '').split(' ');
    if (p === place && Date.now() - at < 3e5) n = Math.min(n, low);
    if (shown >= 0) n = Math.min(n, shown);
    shown = n;
    keep('seen', place + ' ' + n + ' ' + Date.now());
    return n;
  };

  const inLine = s => s === 'waiting' || s === 'paused';
  const words = (s, n) => T.states[inLine(s) && !place ? 'held' : s === 'waiting' && n === 0 ? 'next' : s] || T.states.waiting;

  const enter = (s, n) => {
    const w = words(s, n), changed = $('title').textContent !== w.title;
    state = doc.body.dataset.state = s;
    set('title', w.title);
    set('text', w.text);
    opt('golink', 'go', w.go);
    hide('line', !inLine(s) || !place);
    hide('waitbox', s !== 'waiting');
    hide('net', !(place && inLine(s)) && s !== 'prequeue');
    hide('leave', !place || !(inLine(s) || s === 'prequeue'));
    if (!inLine(s) || !place) {
      doc.title = w.title;
      hide('keep', true);
      keep('seen', '');
    }
    // The next place may have the same number, after a reset.
    if (s === 'expired') shown = -1;
    if (s === 'called') set('turn', w.title);
    else if (changed) say(w.title + '. ' + w.text, true);
  };

  // ahead shows n people ahead, and answers the number in words.
  const ahead = n => {
    const p = plural(T.ahead, n), w = words(state, n);
    set('n', group(n));
    set('ahead', p);
    $('bar').setAttribute('aria-valuetext', group(n) + ' ' + p);
    doc.title = n ? fill(T.tab, {n: group(n), p: group(place)}) : w.title;
    return p;
  };

  const show = s => {
    if (s.place && String(s.place) !== place) {
      place = String(s.place);
      shown = -1;
      $('bar').value = 0;
    }
    const n = s.ahead === undefined ? -1 : lowest(s.ahead);
    enter(s.state, n);
    opt('opens', 'opens', s.state === 'prequeue' && s.eta && s.eta.at && fill(T.opens, {t: clock(s.eta.at)}));
    opt('reason', 'reason', place && Object.hasOwn(T.reasons, s.reason) && T.reasons[s.reason]);
    opt('message', 'note', s.message);
    if (!inLine(s.state) || !place || n < 0) return;
    const [main, between] = wait(s.eta), people = ahead(n);
    $('bar').value = Math.max($('bar').value, Math.floor((s.progress || 0) * 1000));
    set('wait', main);
    set('between', between);
    set('at', s.eta && s.eta.at && !s.eta.at_least ? fill(T.at, {t: clock(s.eta.at)}) : '');
    set('place', group(place));
    set('inline', s.waiting ? count(T.line, s.waiting) : '');
    opt('rate', 'speed', s.rate && s.state === 'waiting' ? rate(s.rate) : '');
    if (s.kept_until) opt('keep', 'keep', fill(T.keep, {t: clock(s.kept_until)}));
    if (n > 0 && s.state === 'waiting') say(fill(T.say, {n: group(n), ahead: people, label: T.label, wait: main}));
  };

  const go = () => {
    let to = '/';
    try {
      const u = new URL(data.to, location.origin);
      if (/^https?:$/.test(u.protocol)) to = u.href;
    } catch (e) {}
    keep('seen', '');
    location.replace(to);
  };
  const after = (ms, f) => {
    clearTimeout(timer);
    due = Date.now() + ms;
    timer = setTimeout(f, ms);
  };
  const leaveFor = ms => {
    over = true;
    if (doc.hidden) go();
    else after(ms, go);
  };
  const joinAgain = ms => {
    over = true;
    enter('expired');
    after(1000 + Math.random() * Math.max(ms || 0, 4000), go);
  };
  // Asked without a ticket: it is gone, or the browser takes no cookies. Three
  // times in a row, or a browser that keeps nothing at all, says the latter.
  const stranger = () => {
    const [times, at] = (keep('lost') || '0 0').split(' ');
    const n = Date.now() - at < 12e4 ? +times + 1 : 1;
    keep('lost', n + ' ' + Date.now());
    if (n < 3 && keep('lost')) return joinAgain();
    over = true;
    enter('no_cookie');
  };

  const net = ok => {
    if (ok === !$('net').classList.contains('off')) return;
    $('net').classList.toggle('off', !ok);
    set('live', ok ? live : T.lost);
    say(ok ? T.found : T.lost, true);
  };
  const live = $('live').textContent;

  const heard = s => {
    fails = 0;
    net(true);
    // One without a place hears of the room alone, and comes in when it can.
    if (outside && s.state !== 'closed' && s.state !== 'sold_out' && s.reason !== 'store_away') return leaveFor(Math.random() * 5000);
    if (place) keep('lost', '0 0');
    if (s.state === 'expired') return joinAgain(s.poll_after_ms);
    show(s);
    if (s.state === 'called' || s.state === 'admitted') return leaveFor(700);
    after(Math.max(250, s.poll_after_ms || 5000), poll);
  };

  const poll = async () => {
    if (busy || over) return;
    busy = true;
    clearTimeout(timer);
    let answer;
    try {
      answer = await fetch(data.status, {
        headers: {Accept: 'application/json'}, cache: 'no-store', signal: AbortSignal.timeout(15e3)
      });
      if (over) return;
      if (answer.status === 401) return stranger();
      if (!answer.ok) throw answer.status;
      heard(await answer.json());
    } catch (e) {
      if (over) return;
      if (++fails > 1) net(false);
      const told = answer && +answer.headers.get('Retry-After') || 0;
      after(told * 1000 + 500 + Math.random() * Math.min(6e4, 1000 * 2 ** fails), poll);
    } finally {
      busy = false;
    }
  };

  $('leaveform').addEventListener('submit', async e => {
    e.preventDefault();
    over = true;
    state = 'left';
    clearTimeout(timer);
    try {
      const r = await fetch(data.status, {method: 'DELETE', cache: 'no-store'});
      if (!r.ok && r.status !== 401) throw r.status;
      place = '';
      enter('left');
      hide('note', true);
    } catch (x) { e.target.submit() }
  });
  doc.addEventListener('visibilitychange', () => { if (!doc.hidden && Date.now() >= due) poll() });
  addEventListener('online', () => { if (fails) after(Math.random() * 2000, poll) });
  // Back from the browser's memory: who left, or keeps no cookies, is not made to join again.
  addEventListener('pageshow', e => {
    if (!e.persisted || state === 'left' || state === 'no_cookie') return;
    over = false;
    poll();
  });

  // From here on this script keeps the page, and the Refresh header that serves
  // browsers without it must not: stopping the (finished) load cancels it.
  addEventListener('load', () => {
    stop();
    if (data.at) {
      const t = clock(data.at);
      if ($('at').textContent) set('at', fill(T.at, {t}));
      if ($('opens').textContent) set('opens', fill(T.opens, {t}));
    }
    if (data.kept) set('keep', fill(T.keep, {t: clock(data.kept)}));
    if (shown >= 0) {
      enter(state, lowest(shown));
      if (shown >= 0) ahead(shown);
    }
    const ms = Math.max(250, +data.poll || 5000);
    if (state === 'called') after(ms, go);
    else if (state === 'admitted') after(700, go);
    else if (state === 'expired') joinAgain(ms);
    else if (state === 'left') over = true;
    else after(ms, poll);
  });
})();
