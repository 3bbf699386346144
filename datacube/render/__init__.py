"""Pictures: styles, painting, PNG and JPEG."""
