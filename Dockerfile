# One image for every process of compose.yaml; which one it is, its command says.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /srv/kairos

COPY requirements.txt .
RUN pip install --quiet --require-hashes --only-binary :all: -r requirements.txt

COPY . .
# Collecting the pages' files needs settings but no secret that is kept: these end with the step.
RUN useradd --system --uid 10001 --home-dir /srv/kairos kairos \
    && install -d -o kairos -m 700 var epoch \
    && python -I config/new_env.py /tmp/env \
    && KAIROS_ENV_FILE=/tmp/env KAIROS_ENV=production ALLOWED_HOSTS=localhost REDIS_URL=redis://localhost \
       KAIROS_VAR=/tmp/var python manage.py collectstatic --noinput --verbosity 0 \
    && rm -rf /tmp/env /tmp/var

USER kairos
CMD ["python", "manage.py", "up"]
