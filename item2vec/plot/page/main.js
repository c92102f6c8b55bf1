byId("title").textContent = given.title;
byId("about").textContent = given.about;
new ResizeObserver(resized).observe(canvas);
resized();
Object.assign(camera, homeView());
themeChanged();
