# Meadowlark for amd64 and aarch64: the Home Assistant add-on, and the same server for `docker run`.
# Tried without Docker, step by step, by script/try-dockerfile.
#
# The base is Python's own image on Debian: it has pip, it is rebuilt with each security fix, and its glibc is what the
# wheels need (espeakng-loader has none for musl). 3.13: wheels of every dependency exist on both architectures, no
# compiler runs, and the neural engines' libraries have caught up with it.

# 1. Wheels of the core and of the chosen engines, and the list of what they need from elsewhere.
FROM python:3.13-slim-trixie AS wheels
# ENGINES: folders of plugins/. EXTRAS: optional dependencies of any of these projects; zh is Kokoro's Mandarin, 15 MB
# (its Japanese, ja, is 0.33 GB and stays out).
ARG ENGINES="espeakng espeak piper kokoro"
ARG EXTRAS="zh"
WORKDIR /source
COPY . .
RUN python script/requirements.py --extras "$EXTRAS" . $(printf 'plugins/%s ' $ENGINES) > requirements.txt
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels . $(printf './plugins/%s ' $ENGINES)

# 2. The image. Requirements come first: a new release reuses that layer, 100 MB, as long as they stay the same.
FROM python:3.13-slim-trixie
COPY --from=wheels /source/requirements.txt /source/constraints.txt /usr/share/meadowlark/
RUN pip install --no-cache-dir --root-user-action=ignore --only-binary :all: \
    --requirement /usr/share/meadowlark/requirements.txt --constraint /usr/share/meadowlark/constraints.txt
COPY --from=wheels /wheels /usr/share/meadowlark/wheels
RUN pip install --no-cache-dir --root-user-action=ignore --no-index --no-deps /usr/share/meadowlark/wheels/*.whl \
    && pip check

# Python's byte code was written by pip above; the AppArmor profile allows no more of it below /usr.
# The NVIDIA variables are for hosts whose default runtime is NVIDIA's; `--gpus all` sets the first one itself.
ENV PYTHONDONTWRITEBYTECODE=1 \
    MEADOWLARK_DATA_DIR=/data \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility

# The Supervisor passes both and sets the io.hass labels once more on what it builds itself.
ARG BUILD_VERSION=0.1.0
ARG BUILD_ARCH=amd64
LABEL io.hass.name="Meadowlark" \
    io.hass.description="Text-to-speech for Assist. Every voice engine behind one Wyoming port." \
    io.hass.type="app" \
    io.hass.version="${BUILD_VERSION}" \
    io.hass.arch="${BUILD_ARCH}" \
    org.opencontainers.image.title="Meadowlark" \
    org.opencontainers.image.version="${BUILD_VERSION}" \
    org.opencontainers.image.licenses="Apache-2.0 AND GPL-3.0-or-later"

# Runs as root: the Supervisor mounts /data owned by root and maps no user. AppArmor confines it there; a container of
# your own may take `--user`, with a /data that this user can write.
WORKDIR /data
EXPOSE 10200
# Early checks, because Home Assistant is told of the add-on only once it is healthy.
HEALTHCHECK --interval=60s --timeout=10s --start-period=60s --start-interval=2s --retries=3 \
    CMD ["meadowlark", "health", "--uri", "tcp://127.0.0.1:10200"]

# Behind the image's name `docker run` takes flags of `serve`, or another command: `voices`, `doctor`, `say …`.
# Nothing here about zeroconf: the server announces itself wherever it is not the Supervisor who does.
ENTRYPOINT ["meadowlark"]
CMD ["serve", "--uri", "tcp://0.0.0.0:10200"]
