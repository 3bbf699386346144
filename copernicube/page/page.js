// The cubes on a map, with a choice of layer, style and time. What it knows of the
// server it reads from the WMS capabilities, as any other client would.
"use strict";

const element = (id) => document.getElementById(id);
const OWS = new URL("ows", document.baseURI).href;
const ROOT = new URL(".", document.baseURI).href;
const layersByName = new Map();
const cubesByLayer = new Map();
const parameters = new URLSearchParams(location.hash.slice(1));

const footprints = new ol.layer.Vector({
  source: new ol.source.Vector(),
  style: (feature) => [
    new ol.style.Style({ stroke: new ol.style.Stroke({ color: "#005b96", width: 1.5, lineDash: [6, 4] }) }),
    new ol.style.Style({
      geometry: new ol.geom.Point(ol.extent.getTopLeft(feature.getGeometry().getExtent())),
      text: new ol.style.Text({
        text: feature.get("title"),
        font: "12px system-ui, sans-serif",
        textAlign: "left",
        offsetY: -9,
        fill: new ol.style.Fill({ color: "#16232e" }),
        stroke: new ol.style.Stroke({ color: "#fff", width: 3 }),
      }),
    }),
  ],
});
const picture = new ol.layer.Tile({ source: null });
const map = new ol.Map({
  target: "map",
  layers: [
    new ol.layer.Graticule({ strokeStyle: new ol.style.Stroke({ color: "#b9c6cf" }), showLabels: true }),
    picture,
    footprints,
  ],
  controls: ol.control.defaults.defaults().extend([new ol.control.ScaleLine()]),
  view: new ol.View({ center: [0, 0], zoom: 2 }),
});

function say(text) {
  element("message").hidden = !text;
  element("message").textContent = text || "";
}

function options(select, pairs, chosen) {
  select.replaceChildren(...pairs.map(([value, text]) => new Option(text, value, false, value === chosen)));
}

// A list of times, or `first/last/period`: only listed times become choices.
function timesOf(layer) {
  const dimension = (layer.Dimension || []).find((d) => d.name === "time");
  if (!dimension) return [];
  return dimension.values.split(",").map((text) => text.trim()).filter((text) => text && !text.includes("/"));
}

function extentOf(layer) {
  return ol.proj.transformExtent(layer.EX_GeographicBoundingBox, "EPSG:4326", "EPSG:3857");
}

function chosen() {
  return { layer: element("layer").value, style: element("style").value, time: element("time").value };
}

function show() {
  say("");
  const { layer, style, time } = chosen();
  const params = { LAYERS: layer, STYLES: style, FORMAT: "image/png", TRANSPARENT: true, VERSION: "1.3.0" };
  if (time) params.TIME = time;
  const source = new ol.source.TileWMS({ url: OWS, params });
  const projection = map.getView().getProjection();
  source.on("tileloaderror", ({ tile }) => {
    explain(source.getTileUrlFunction()(tile.getTileCoord(), 1, projection)).catch((error) => say(error.message));
  });
  picture.setSource(source);
  for (const [button, step] of [["earlier", -1], ["later", 1]]) {
    const index = element("time").selectedIndex + step;
    element(button).disabled = index < 0 || index >= element("time").options.length;
  }
  location.replace("#" + new URLSearchParams(chosen()));
  showAddresses();
}

// An image cannot say why it failed: ask for it again and show the text of the exception.
async function explain(address) {
  const reply = await fetch(address);
  if (reply.ok) return;
  const text = new DOMParser().parseFromString(await reply.text(), "text/xml").documentElement.textContent;
  say(text.trim());
}

// Of a layer's cubes the one in the middle of the map, else the first.
function cubeInView(layer) {
  const cubes = cubesByLayer.get(layer) || [];
  const [lon, lat] = ol.proj.toLonLat(map.getView().getCenter());
  const holds = ({ extent }) => ol.extent.containsXY(extent.spatial.bbox[0], lon, lat);
  return cubes.find((cube) => cube.extent?.spatial && holds(cube)) || cubes[0];
}

// What the map shows of a cube, by its own services. A time of the cube is written in quotes.
function rowsOfCube(cube, time) {
  if (!cube) return [["WCS for GDAL and OWSLib", `${OWS}?service=WCS&request=GetCapabilities`]];
  const bands = cube["copernicube:bands"].map(({ name }) => name);
  const band = bands.includes("B04") ? "B04" : bands[0];
  const newest = cube.extent?.temporal?.interval[0][1];
  const day = time || newest?.slice(0, 10);
  const slice = day ? `[ansi("${day}")]` : "";
  const describe = new URLSearchParams({
    service: "WCS", version: "2.0.1", request: "DescribeCoverage", coverageId: cube.id,
  });
  return [
    ["WCS for GDAL and OWSLib", `${OWS}?${describe}`],
    ["WCPS query", `for $c in (${cube.id}) return encode($c.${band}${slice}, "image/tiff")`],
    ["Jupyter", `import copernicube; copernicube.open("${ROOT}")["${cube.id}"].to_xarray(bands=["${band}"])`],
  ];
}

function showAddresses() {
  const { layer, style, time } = chosen();
  const [minx, miny, maxx, maxy] = extentOf(layersByName.get(layer));
  const request = new URLSearchParams({
    service: "WMS", version: "1.3.0", request: "GetMap", layers: layer, styles: style, crs: "EPSG:3857",
    bbox: [minx, miny, maxx, maxy].join(","), width: 1024,
    height: Math.max(1, Math.round((1024 * (maxy - miny)) / (maxx - minx))), format: "image/png",
    ...(time && { time }),
  });
  const rows = [
    ["WMS for QGIS, ArcGIS, OpenLayers", `${OWS}?service=WMS&request=GetCapabilities`],
    ["WMTS for QGIS and ArcGIS", `${ROOT}wmts/1.0.0/WMTSCapabilities.xml`],
    ["Tiles for web maps", `${ROOT}tiles/${layer}/{z}/{x}/{y}.png`],
    ...rowsOfCube(cubeInView(layer), time),
    ["This picture", `${OWS}?${request}`],
    ["Metadata (ISO 19139)", `${ROOT}records/${layer}`],
  ];
  element("addresses").replaceChildren(
    ...rows.flatMap(([title, text]) => {
      const [term, entry, code, copy] = ["dt", "dd", "code", "button"].map((tag) => document.createElement(tag));
      term.textContent = title;
      code.textContent = text;
      copy.type = "button";
      copy.textContent = "Copy";
      copy.addEventListener("click", () => navigator.clipboard.writeText(text));
      entry.append(code, copy);
      return [term, entry];
    }),
  );
}

function chooseLayer({ style, time, keepView } = {}) {
  const layer = layersByName.get(element("layer").value);
  options(element("style"), (layer.Style || []).map((s) => [s.Name, s.Title]), style);
  const times = timesOf(layer);
  options(element("time"), [...times.map((t) => [t, t]), ["", "newest"]], time && times.includes(time) ? time : "");
  element("about").textContent = layer.Abstract || "";
  if (!keepView) map.getView().fit(extentOf(layer), { padding: [40, 40, 40, 40], maxZoom: 17 });
  show();
}

async function findCubes() {
  let address = `${ROOT}ogcapi/collections?f=json`;
  while (address) {
    const reply = await fetch(address);
    if (!reply.ok) return;
    const { collections, links } = await reply.json();
    for (const cube of collections) {
      if (cube.id !== cube["copernicube:cube"]) continue;
      const layer = cube["copernicube:collection"];
      cubesByLayer.set(layer, [...(cubesByLayer.get(layer) || []), cube]);
    }
    address = links.find(({ rel }) => rel === "next")?.href;
  }
}

async function start() {
  const reply = await fetch(`${OWS}?service=WMS&version=1.3.0&request=GetCapabilities`);
  if (!reply.ok) throw new Error(`the server answered ${reply.status}`);
  const capabilities = new ol.format.WMSCapabilities().read(await reply.text());
  element("state").textContent = `Revision ${reply.headers.get("Copernicube-Revision")}`;
  const collect = (layer) => {
    if (layer.Name) layersByName.set(layer.Name, layer);
    (layer.Layer || []).forEach(collect);
  };
  collect(capabilities.Capability.Layer);
  if (!layersByName.size) throw new Error("the store is empty: ingest a scene, then reload");
  await findCubes();
  for (const layer of layersByName.values()) {
    const feature = new ol.Feature(ol.geom.Polygon.fromExtent(extentOf(layer)));
    feature.set("title", layer.Title);
    footprints.getSource().addFeature(feature);
  }
  options(element("layer"), [...layersByName].map(([name, l]) => [name, l.Title]), parameters.get("layer"));
  chooseLayer({ style: parameters.get("style"), time: parameters.get("time") });
  element("layer").addEventListener("change", () => chooseLayer());
  element("style").addEventListener("change", show);
  map.on("moveend", showAddresses);
  element("time").addEventListener("change", show);
  for (const [button, step] of [["earlier", -1], ["later", 1]]) {
    element(button).addEventListener("click", () => {
      element("time").selectedIndex += step;
      show();
    });
  }
  document.body.dataset.ready = "true";
}

start().catch((error) => say(error.message));
