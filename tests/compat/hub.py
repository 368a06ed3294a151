"""adder pull and Hugging Face's own client, asking the same local hub for the same repository.

    hub.py ADDER SEEDLING        needs: huggingface_hub

The hub below knows what the Hub's API says of files: sizes, and digests computed by huggingface_hub's own functions.
Both programs must ask for the same addresses (branches with a slash, names with spaces, signs and letters beyond ASCII),
and hold the same bytes in the end; huggingface_hub must read adder's listing as adder does.
"""
import hashlib
import http.server
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import urllib.parse

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REVISION = "refs/pr/7"


def listing(files, git_hash):
    siblings = []
    for path, data in files.items():
        sibling = {"rfilename": path, "size": len(data), "blobId": git_hash(data)}
        if path.endswith((".gguf", ".safetensors")):
            sibling["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
        siblings.append(sibling)
    return {"_id": "0", "id": "org/tiny", "modelId": "org/tiny", "sha": COMMIT, "siblings": siblings}


def serve(files, requests):
    """A hub on a thread of its own; `requests` gets the target of every GET."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self, body, headers, status=200):
            self.send_response(status)
            for name, value in {"Content-Length": len(body), "X-Repo-Commit": COMMIT, **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def do_GET(self):
            from huggingface_hub.utils.sha import git_hash
            if self.command == "GET":
                requests.append(self.path)
            path = urllib.parse.urlsplit(self.path).path
            found = re.fullmatch("/org/tiny/resolve/[^/]*/(.*)", path)
            if path.startswith("/api/models/org/tiny/revision/"):
                self.answer(json.dumps(listing(files, git_hash)).encode(), {"Content-Type": "application/json"})
            elif found and urllib.parse.unquote(found[1]) in files:
                data = files[urllib.parse.unquote(found[1])]
                self.answer(data, {"ETag": f'"{git_hash(data)}"'})
            else:
                self.answer(b"", {"X-Error-Code": "EntryNotFound"}, 404)

        do_HEAD = do_GET

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def adder_pull(adder, endpoint, cache, reference):
    environment = {**os.environ, "HF_ENDPOINT": endpoint, "ADDER_CACHE": str(cache), "HF_TOKEN": ""}
    ran = subprocess.run([adder, "pull", reference], env=environment, capture_output=True, text=True)
    if ran.returncode != 0:
        raise SystemExit(f"adder pull {reference}: {ran.stderr.strip()}")
    return pathlib.Path(ran.stdout.strip())


def main(adder, seedling):
    weights = pathlib.Path(seedling).read_bytes()
    files = {"config.json": b'{"model_type": "nemotron_h"}', "tokenizer a+b%20#\u00e4\u65e5~.json": b"{}",
             "chat_template.jinja": b"{{ messages }}", "model.safetensors": weights[:100_000], "README.md": b"# tiny\n"}
    requests = []
    endpoint = serve(files, requests)
    os.environ.update(HF_ENDPOINT=endpoint, HF_HUB_DISABLE_XET="1", HF_HUB_DISABLE_TELEMETRY="1")
    from huggingface_hub import HfApi, hf_hub_download, hf_hub_url
    from huggingface_hub.utils.sha import git_hash, sha_fileobj

    failed = 0

    def expect(what, agrees, note=""):
        nonlocal failed
        failed += not agrees
        print(f"{'same  ' if agrees else 'DIFFER'}  {what}{note}", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        ours = adder_pull(adder, endpoint, folder / "adder", f"org/tiny@{REVISION}")
        asked = list(requests)
        del requests[:]
        info = HfApi(endpoint=endpoint, token=False).model_info("org/tiny", revision=REVISION, files_metadata=True)
        query = {urllib.parse.urlsplit(url).path for url in requests}
        expect("the address of the listing", query == {urllib.parse.urlsplit(asked[0]).path}, f": {asked[0]}")
        wanted = [path for path in files if path != "README.md"]
        urls = {hf_hub_url("org/tiny", path, revision=COMMIT, endpoint=endpoint) for path in wanted}
        expect("the addresses of the files", {endpoint + url for url in asked[1:]} == urls)

        manifest = json.loads((folder / "adder/models/org/tiny/manifest.json").read_text())["models"][0]
        expect("the commit", manifest["commit"] == info.sha)
        theirs = {s.rfilename: s.lfs.sha256 if s.lfs else s.blob_id for s in info.siblings if s.rfilename in wanted}
        expect("the digests as read", theirs == {f["path"]: f.get("sha256", f.get("git_sha1")) for f in manifest["files"]})
        for file in manifest["files"]:
            data = (ours / file["path"]).read_bytes()
            digest = sha_fileobj(io.BytesIO(data)).hex() if "sha256" in file else git_hash(data)
            expect(f"the digest of {file['path']}", digest == file.get("sha256", file.get("git_sha1")))
            copy = hf_hub_download("org/tiny", file["path"], revision=COMMIT, cache_dir=folder / "theirs",
                                   endpoint=endpoint, token=False)
            expect(f"the bytes of {file['path']}", data == pathlib.Path(copy).read_bytes())
    return failed


if __name__ == "__main__":
    sys.exit(1 if main(*sys.argv[1:]) else 0)
