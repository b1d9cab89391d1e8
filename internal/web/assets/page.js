// Keeps the page live. Without this script it loads itself again every 5 seconds.
"use strict";
(() => {
  const main = document.getElementById("main");
  const link = document.getElementById("link");

  // morph makes have look like want and keeps what need not change: what has the
  // focus, is selected, scrolled or opened stays so.
  function morph(have, want) {
    if (have.nodeType !== want.nodeType || have.nodeName !== want.nodeName) {
      have.replaceWith(want.cloneNode(true));
      return;
    }
    if (have.nodeType !== Node.ELEMENT_NODE) {
      if (have.data !== want.data) have.data = want.data;
      return;
    }
    for (const { name } of [...have.attributes])
      if (name !== "open" && !want.hasAttribute(name)) have.removeAttribute(name);
    for (const { name, value } of want.attributes)
      if (have.getAttribute(name) !== value) have.setAttribute(name, value);
    children(have, want);
  }

  // children does so for what is inside. A child with an id is the one with that id,
  // wherever it was; others are told apart by their order.
  function children(have, want) {
    const named = new Map();
    for (const child of have.children) if (child.id) named.set(child.id, child);
    let at = have.firstChild;
    for (const next of want.childNodes) {
      const same = next.id ? named.get(next.id) : at && !at.id ? at : null;
      if (!same) {
        have.insertBefore(next.cloneNode(true), at);
        continue;
      }
      if (same !== at) have.insertBefore(same, at);
      at = same.nextSibling;
      morph(same, next);
    }
    while (at) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
  }

  function show(mood) {
    return (event) => {
      const want = document.createElement("template");
      want.innerHTML = event.data;
      const frame = document.createElement("main");
      frame.append(want.content);
      children(main, frame);
      document.documentElement.dataset.mood = mood;
      document.title = document.querySelector("#verdict h1").textContent.trim();
    };
  }

  const changes = new EventSource("/live");
  for (const mood of ["good", "busy", "bad", "off"]) changes.addEventListener(mood, show(mood));
  changes.onopen = () => { document.documentElement.classList.remove("lost"); link.textContent = "live"; };
  changes.onerror = () => {
    document.documentElement.classList.add("lost");
    link.textContent = "not connected: what you see is old";
    // A browser does not try again by itself after an answer such as 503.
    if (changes.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 10000);
  };
})();
