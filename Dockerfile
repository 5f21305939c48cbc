# syntax=docker/dockerfile:1
# Any Debian base will do: one with Python 3.11 or later is used as it is (name it by its digest to build the same image again), a
# bare one gets Debian's own Python. `docker build --build-arg BASE=debian:bookworm-slim .`
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS python
RUN command -v python3 >/dev/null \
 || { apt-get update -qq && apt-get install -qq -y --no-install-recommends python3 && rm -rf /var/lib/apt/lists/*; }

FROM python AS builder
# The time of every file that is made here; a fixed one makes two builds of the same source the same.
ARG SOURCE_DATE_EPOCH=1764288000
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_COMPILE=1 PIP_ROOT_USER_ACTION=ignore
RUN python3 -m pip --version >/dev/null 2>&1 \
 || { apt-get update -qq && apt-get install -qq -y --no-install-recommends python3-pip; }
WORKDIR /build
RUN python3 -m venv --without-pip /opt/ogp-open-data
COPY requirements-build.lock requirements.lock ./
# What builds stays out of the image: it is installed beside, and only lent to pip by PYTHONPATH.
RUN python3 -m pip install --target /build/tools --require-hashes --only-binary :all: -r requirements-build.lock \
 && PYTHONPATH=/build/tools python3 -m pip --python /opt/ogp-open-data/bin/python install \
    --require-hashes --no-build-isolation --use-pep517 -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY src src
# Compiled files carry a digest instead of a time: nothing is written when the program starts, and builds do not differ.
RUN PYTHONPATH=/build/tools python3 -m pip --python /opt/ogp-open-data/bin/python install --no-deps --no-build-isolation . \
 && /opt/ogp-open-data/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/ogp-open-data/lib \
 && find /opt/ogp-open-data -print0 | xargs -0 touch --no-dereference --date="@${SOURCE_DATE_EPOCH}"

FROM python
ARG SOURCE_DATE_EPOCH=1764288000
# An account with a name: PostgreSQL's initdb refuses a user that the machine does not know. Its home begins empty, without what
# a skeleton would put there, for the program takes no directory that holds something else.
RUN groupadd --system --gid 10001 ogp-open-data \
 && useradd --system --uid 10001 --gid 10001 --home-dir /var/lib/ogp-open-data --no-create-home ogp-open-data \
 && install -d -m 0700 -o ogp-open-data -g ogp-open-data /var/lib/ogp-open-data
COPY --from=builder /opt/ogp-open-data /opt/ogp-open-data
COPY deploy/sbom.json /usr/share/ogp-open-data/sbom.json
ENV PATH=/opt/ogp-open-data/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    OGP_DATA_DIR=/var/lib/ogp-open-data
USER ogp-open-data
WORKDIR /var/lib/ogp-open-data
# All that is written: run with a read-only root file system and a tmpfs on /tmp.
VOLUME /var/lib/ogp-open-data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
CMD ["ogp-open-data", "serve", "--host", "0.0.0.0", "--port", "8000", "--sample"]
