"""The claims of the article, a module for each lesson."""
