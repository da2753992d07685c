// Begin: ready when everything that is seen at first is drawn.

views.push(() => {
  if (size[0] && map.dataset.missing === "0")
    requestAnimationFrame(() => {
      document.documentElement.dataset.ready = "true";
    });
});
changed();
