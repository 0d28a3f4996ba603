"use strict";
(() => {
  const form = document.getElementById("position");
  if (!form || !navigator.geolocation) return;
  form.hidden = false;
  form.querySelector("button").addEventListener("click", () => {
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        form.elements.lon.value = coords.longitude.toFixed(5);
        form.elements.lat.value = coords.latitude.toFixed(5);
        form.submit();
      },
      () => { form.querySelector("p").textContent = form.dataset.failed; },
      { enableHighAccuracy: true, timeout: 15000 },
    );
  });
})();
